// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	r := report{
		machine: machine{cpu: "Some | CPU", cores: 2, shaNI: true, memory: "24 GiB", system: "Debian", kernel: "6.1", goVersion: "go1.26 linux/amd64",
			fileSystem: "ext4", load: "0.10, 0.20, 0.30", modules: []string{"a v1", "b v2"}, date: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
		scale: scale{rounds: 5}, proto: 650, json: 1300,
		sections: []section{{title: "Exporter", about: "About it.", results: []result{
			{label: "batch 1", unit: recordsPerSecond, aName: "fileexporter", bName: "audit_chain", a: 163456, b: 98.76, aCPU: 1.234, bCPU: math.NaN(), ratio: 1.5, lowest: 1.25, highest: 2},
		}}, {title: "Verify", about: "B.", results: []result{
			{label: "300 MB", unit: megabytesPerSec, aName: "openssl", bName: "verify", a: 1200, b: 1300, aCPU: math.NaN(), bCPU: math.NaN(), ratio: 1, lowest: 1, highest: 1},
		}}},
		left: []string{"the whole collector"},
	}
	var b strings.Builder
	if err := r.write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"on 2026-11-23; every figure",
		"650 bytes as protobuf and 1300 as OTLP/JSON",
		"| processor | Some \\| CPU, 2 cores, with SHA instructions |\n",
		"| built with | a v1<br>b v2 |\n",
		"\n## Exporter\n\nAbout it.\n\n| | A | B | A | B | unit | B against A | CPU A | CPU B |\n|---|---|---|---:|---:|---|---:|---:|---:|\n" +
			"| batch 1 | fileexporter | audit_chain | 163,000 | 98.8 | records/s | 1.50 (1.25–2.00) | 1.23 | – |\n",
		"| unit | B against A |\n|---|---|---|---:|---:|---|---:|\n| 300 MB | openssl | verify | 1,200 | 1,300 | MB/s | 1.00 (1.00–1.00) |\n",
		"\n## Not measured in this run\n\n- the whole collector\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report does not hold %q:\n%s", want, b.String())
		}
	}
}

func TestFigure(t *testing.T) {
	got := map[float64]string{}
	want := map[float64]string{0.1234: "0.12", 9.876: "9.88", 98.76: "98.8", 163: "163", 1634: "1,630", 163456: "163,000", 1234567: "1,230,000", 999.6: "1,000"}
	for v := range want {
		got[v] = figure(v)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if figure(math.NaN()) != "–" {
		t.Error("a missing figure does not read as a dash")
	}
}

func TestMachineDescription(t *testing.T) {
	cpu, sha := parseCPU([]byte("processor : 0\nmodel name\t: Fast CPU\nflags\t\t: fpu sse sha_ni avx\n"))
	if cpu != "Fast CPU" || !sha {
		t.Errorf("parseCPU: %q, %v", cpu, sha)
	}
	if _, sha := parseCPU([]byte("model name: X\nflags: fpu sha_nix\n")); sha {
		t.Error("parseCPU takes sha_nix for sha_ni")
	}
	if cpu, _ := parseCPU(nil); cpu != unknown {
		t.Errorf("parseCPU of nothing: %q", cpu)
	}
	mounts := []byte("/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/data xfs rw 0 0\n")
	for path, want := range map[string]string{"/elsewhere/x": "ext4", "/tmp/x": "tmpfs", "/tmp/data/x": "xfs", "/tmp/database": "tmpfs", "/tmpx": "ext4"} {
		if got := parseMounts(mounts, path); got != want {
			t.Errorf("parseMounts(%q) = %q, want %q", path, got, want)
		}
	}
	if got := parseMemory([]byte("MemTotal:       25165824 kB\nMemFree: 1 kB\n")); got != "24 GiB" {
		t.Errorf("parseMemory: %q", got)
	}
	if got := parseSystem([]byte("NAME=x\nPRETTY_NAME=\"Debian 13\"\n")); got != "Debian 13" {
		t.Errorf("parseSystem: %q", got)
	}
}
