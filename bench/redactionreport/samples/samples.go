// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package samples makes the samples that gitleaks' authors wrote for their
// rules, from the version of gitleaks that go.mod pins.
//
// They stand inside the functions that define the rules, and reach a function
// that checks them. So the source of these functions is copied to a temporary
// module, where that function is one that records (package recorder), and the
// one that makes secrets at random makes the same ones each time (package
// secrets). Nothing of gitleaks is kept in this repository.
package samples

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/auditchain/auditchain/bench/redactionreport/samples/recorder"
)

// Sample is what the recorder writes.
type Sample = recorder.Sample

const (
	gitleaks = "github.com/zricethezav/gitleaks/v8"
	module   = "github.com/auditchain/auditchain/bench"
	here     = module + "/redactionreport/samples"
	scratch  = "gitleakssamples" // the temporary module
)

// Make makes the samples, with the go command, of the gitleaks that the module
// in folder bench pins.
func Make(ctx context.Context, bench string) ([]Sample, error) {
	bench, err := filepath.Abs(bench)
	if err != nil {
		return nil, err
	}
	source, err := goOutput(ctx, bench, "list", "-m", "-f", "{{.Dir}}", gitleaks)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gitleaks-samples-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	generate := filepath.Join(strings.TrimSpace(string(source)), "cmd", "generate", "config")
	if err := writeModule(dir, bench, generate); err != nil {
		return nil, fmt.Errorf("the module that makes gitleaks' samples: %w", err)
	}
	out, err := goOutput(ctx, dir, "run", ".")
	if err != nil {
		return nil, err
	}
	return read(out)
}

// read reads what the recorder wrote.
func read(out []byte) ([]Sample, error) {
	var all []Sample
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var s Sample
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("gitleaks' samples: line %d: %w", len(all)+1, err)
		}
		all = append(all, s)
	}
	return all, sc.Err()
}

// writeModule writes the temporary module: what bench requires and bench
// itself, the rules of gitleaks, and a main package that calls each.
func writeModule(dir, bench, generate string) error {
	mod, err := os.ReadFile(filepath.Join(bench, "go.mod"))
	if err != nil {
		return err
	}
	text := strings.Replace(string(mod), "module "+module, "module "+scratch, 1)
	text = strings.Replace(text, "=> ../", fmt.Sprintf("=> %q", filepath.Dir(bench)), 1)
	text += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %q\n", module, module, bench)
	sum, err := os.ReadFile(filepath.Join(bench, "go.sum"))
	if err != nil {
		return err
	}
	program, err := mainFile(filepath.Join(generate, "main.go"))
	if err != nil {
		return err
	}
	for name, content := range map[string]string{
		"go.mod":            text,
		"go.sum":            string(sum),
		"main.go":           program,
		"utils/validate.go": validateFile,
	} {
		if err := writeFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	for _, part := range []string{"utils", "rules"} {
		if err := copyPackage(filepath.Join(dir, part), filepath.Join(generate, part)); err != nil {
			return err
		}
	}
	return nil
}

const validateFile = `package utils

import "` + here + `/recorder"

var (
	Validate          = recorder.Validate
	ValidateWithPaths = recorder.ValidateWithPaths
)
`

// copyPackage copies the Go files of a package, but for tests and the file
// that is replaced, and lets them import what stands in.
func copyPackage(to, from string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("gitleaks has no Go file in %s any more", filepath.Base(from))
	}
	imports := strings.NewReplacer(
		`"`+gitleaks+`/cmd/generate/config/utils"`, `"`+scratch+`/utils"`,
		`"`+gitleaks+`/cmd/generate/secrets"`, `"`+here+`/secrets"`,
	)
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasSuffix(name, "_test.go") || name == "validate.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(to, name), imports.Replace(string(text))); err != nil {
			return err
		}
	}
	return nil
}

// mainFile is a program that calls every rule function that gitleaks' own
// generator calls, and then writes the samples.
func mainFile(generator string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), generator, nil, 0)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "package main\n\nimport (\n\t\"os\"\n\n\t%q\n\n\t%q\n)\n\nfunc main() {\n", here+"/recorder", scratch+"/rules")
	calls := 0
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || len(call.Args) > 0 {
			return true
		}
		if pkg, ok := f.X.(*ast.Ident); ok && pkg.Name == "rules" {
			fmt.Fprintf(&b, "\trules.%s()\n", f.Sel.Name)
			calls++
		}
		return true
	})
	if calls == 0 {
		return "", errors.New("gitleaks' generator calls no rule function any more")
	}
	b.WriteString("\tif err := recorder.Write(os.Stdout); err != nil {\n\t\tpanic(err)\n\t}\n}\n")
	return b.String(), nil
}

func writeFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}

// goOutput is what the go command prints, run in a folder.
func goOutput(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
