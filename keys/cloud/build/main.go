// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Command build builds a program of this checkout together with packages of
// keys/cloud, so that it can use key files that a service encrypts:
//
//	go run ./build -o ../../bin/auditchain awskms
//	go run ./build -dir ../../.build/otelcol -pkg . -o ../../bin/otelcol-auditchain awskms gcpkms
//
// The second one needs the sources of the Collector, which `make collector`
// generates. Nothing is written but the program: the modules are joined by a
// workspace, and the import added by an overlay, both in a folder that is
// removed again.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/auditchain/auditchain/keys/cloud"

var services = []string{"awskms", "azurekeyvault", "gcpkms", "hashivault"}

func main() {
	dir := flag.String("dir", "../..", "folder of the program's module")
	pkg := flag.String("pkg", "./cmd/auditchain", "the program's package in it")
	out := flag.String("o", "", "the program to write")
	flag.Parse()
	if err := build(*dir, *pkg, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(dir, pkg, out string, with []string) error {
	if out == "" || len(with) == 0 {
		return fmt.Errorf("usage: go run ./build -o PROGRAM SERVICE...; services are %s", strings.Join(services, ", "))
	}
	text := "package main\n\nimport (\n"
	for _, s := range with {
		if !slices.Contains(services, s) {
			return fmt.Errorf("%q is none of %s", s, strings.Join(services, ", "))
		}
		text += fmt.Sprintf("\t_ %q\n", module+"/"+s)
	}
	text += ")\n"
	var err error
	var here, root string
	for p, rel := range map[*string]string{&here: ".", &root: "../..", &dir: dir, &out: out} {
		if *p, err = filepath.Abs(rel); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(here, "build", "main.go")); err != nil {
		return errors.New("run it in the folder keys/cloud")
	}
	tmp, err := os.MkdirTemp("", "auditchain-build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	imports := filepath.Join(tmp, "keys.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(dir, pkg, "zz_keys_cloud.go"): imports}})
	if err != nil {
		return err
	}
	work := fmt.Sprintf("go 1.26.0\n\nuse %q\nuse %q\n", root, here)
	if dir != root {
		work += fmt.Sprintf("use %q\n", dir)
	}
	for name, text := range map[string]string{imports: text, filepath.Join(tmp, "overlay.json"): string(overlay), filepath.Join(tmp, "go.work"): work} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-overlay", filepath.Join(tmp, "overlay.json"), "-o", out, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK="+filepath.Join(tmp, "go.work"), "CGO_ENABLED=0", "GOFLAGS=")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
