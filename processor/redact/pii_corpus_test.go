// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// With everything looked for, nothing of the corpus is taken for a card, an
// account or a phone: it holds none, and account ids, epochs, UUIDs, hashes,
// versions and names of pods in plenty. Addresses are found where they are.
func TestPIIPrecision(t *testing.T) {
	s := newScanner(t, Config{PII: masked(PolicyMask)})
	off := newScanner(t, Config{})
	for _, name := range []string{"clean", "hard-negatives"} {
		ips := 0
		for _, sm := range corpus(t, name, 1000) {
			for _, mode := range corpusModes[:3] {
				s.Reset()
				out := mode.run(t, s, sm.Line)
				for _, c := range s.Counts() {
					switch c.Kind {
					case "ip-address":
						ips += c.N
					case "email":
						if !strings.Contains(sm.Line, "@") {
							t.Errorf("an address in %s", sm.Line)
						}
					default:
						t.Errorf("%s: %v in %s", mode.name, c, out)
					}
				}
			}
		}
		if ips == 0 {
			t.Errorf("%s: no IP address is found", name)
		}
	}
	// What it hides of secrets is what is hidden without.
	for _, sm := range corpus(t, "recall", 1000) {
		for _, mode := range corpusModes[:3] {
			without, with := mode.run(t, off, sm.Line), mode.run(t, s, sm.Line)
			for _, p := range sm.Planted {
				if redactcorpus.Leaked(with, p.Text) && !redactcorpus.Leaked(without, p.Text) {
					t.Errorf("%s: %s %s leaks once personal data is looked for", mode.name, p.Kind, p.Ctx)
				}
			}
		}
	}
}

// TestPIIPrecisionOnRealEvents looks at events of AWS CloudTrail, which are not
// part of this repository.
func TestPIIPrecisionOnRealEvents(t *testing.T) {
	dir := os.Getenv("AUDITCHAIN_CORPUS")
	if dir == "" {
		t.Skip("AUDITCHAIN_CORPUS is not set: it names the folder that holds cloudtrail.jsonl")
	}
	f, err := os.Open(filepath.Join(dir, "cloudtrail.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newScanner(t, Config{PII: masked(PolicyMask)})
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	lines := 0
	for sc.Scan() {
		lines++
		s.JSON(nil, s.Root(), sc.Text())
	}
	if err := sc.Err(); err != nil || lines < 100 {
		t.Fatalf("%d lines, %v", lines, err)
	}
	for _, c := range s.Counts() {
		t.Logf("%s %d", c.Kind, c.N)
		if c.Kind == "payment-card" || c.Kind == "iban" || c.Kind == "phone-number" {
			t.Errorf("%d of kind %s in %d events", c.N, c.Kind, lines)
		}
	}
}
