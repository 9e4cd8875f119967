// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// A sample is one line of the corpus. Corpus and secrets are generated; nothing
// in it was ever valid.
type sample = redactcorpus.Sample

func corpus(t testing.TB, name string, atLeast int) []sample {
	t.Helper()
	out, err := redactcorpus.Read("testdata/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < atLeast {
		t.Fatalf("%s has %d lines, want at least %d: an empty corpus proves nothing", name, len(out), atLeast)
	}
	return out
}

// The ways in which a line is looked at.
var corpusModes = []struct {
	name string
	run  func(t testing.TB, s *Scanner, line string) string
}{
	{"with key names", func(t testing.TB, s *Scanner, line string) string {
		out, form := s.JSON(nil, s.Root(), line)
		if form != StrictJSON {
			t.Fatalf("form is %d, want StrictJSON: %q", form, out)
		}
		if !json.Valid(out) {
			t.Fatalf("redaction broke the JSON: %s", out)
		}
		return string(out)
	}},
	{"as text", func(t testing.TB, s *Scanner, line string) string {
		out, _ := s.Text(s.Root(), line)
		return out
	}},
	{"serialised, free text only", func(t testing.TB, s *Scanner, line string) string {
		out, _ := s.free(line)
		return out
	}},
	{"value by value, no key names", func(t testing.TB, s *Scanner, line string) string {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		values(s, s.Root(), v, &b)
		return b.String()
	}},
}

// values redacts every string of v without telling the scanner its key.
func values(s *Scanner, p Place, v any, b *strings.Builder) {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			values(s, s.Root(), x, b)
		}
	case []any:
		prev := ""
		for _, x := range v {
			values(s, s.Element(p, prev), x, b)
			prev, _ = x.(string)
		}
	case string:
		out, _ := s.Text(p, v)
		fmt.Fprintln(b, out)
	}
}

func TestRecall(t *testing.T) {
	samples := corpus(t, "recall", 1000)
	s := newScanner(t, Config{})
	// None of these may leak with key names or as text.
	never := map[string]bool{"aws-key-id": true, "aws-secret": true, "github-pat": true, "jwt-bearer": true, "pem-private-key": true, "password-arg": true}
	minimum := map[string]float64{"with key names": 0.99, "as text": 0.98, "serialised, free text only": 0.98, "value by value, no key names": 0.98}
	for _, mode := range corpusModes {
		t.Run(mode.name, func(t *testing.T) {
			type score struct{ planted, leaked int }
			var parts [2]score
			byKind := map[string]*score{}
			shown := 0
			for _, sm := range samples {
				out := mode.run(t, s, sm.Line)
				part := 0
				if sm.Held() {
					part = 1
				}
				for _, p := range sm.Planted {
					k := byKind[p.Kind]
					if k == nil {
						k = &score{}
						byKind[p.Kind] = k
					}
					k.planted++
					parts[part].planted++
					if redactcorpus.Leaked(out, p.Text) {
						k.leaked++
						parts[part].leaked++
						if shown++; shown <= 5 && part == 0 {
							t.Logf("leak: %s %s", p.Kind, p.Ctx)
						}
					}
				}
			}
			kinds := make([]string, 0, len(byKind))
			for k := range byKind {
				kinds = append(kinds, k)
			}
			sort.Strings(kinds)
			for _, k := range kinds {
				sc := byKind[k]
				if sc.leaked > 0 {
					t.Logf("%-20s %d of %d leaked", k, sc.leaked, sc.planted)
					if never[k] && mode.name != "value by value, no key names" {
						t.Errorf("%s: %d leaked, want none", k, sc.leaked)
					}
				}
			}
			for i, name := range []string{"tuned on", "set aside"} {
				sc := parts[i]
				if sc.planted == 0 {
					t.Fatalf("no sample is %s", name)
				}
				recall := 1 - float64(sc.leaked)/float64(sc.planted)
				t.Logf("%s: recall %.2f %% (%d of %d leaked)", name, 100*recall, sc.leaked, sc.planted)
				if recall < minimum[mode.name] {
					t.Errorf("%s: recall %.4f, want at least %.4f", name, recall, minimum[mode.name])
				}
			}
		})
	}
}

func TestPrecision(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct {
		name string
		most float64
	}{{"clean", 0.005}, {"hard-negatives", 0.02}} {
		samples := corpus(t, c.name, 1000)
		for _, mode := range corpusModes[:3] {
			t.Run(c.name+", "+mode.name, func(t *testing.T) {
				var touched, all [2]int
				shown := 0
				for _, sm := range samples {
					part := 0
					if sm.Held() {
						part = 1
					}
					all[part]++
					if out := mode.run(t, s, sm.Line); out != sm.Line {
						touched[part]++
						// Never show what was set aside: it is not to be tuned on.
						if shown++; shown <= 3 && part == 0 {
							t.Logf("touched: %s", out)
						}
					}
				}
				for i, name := range []string{"tuned on", "set aside"} {
					share := float64(touched[i]) / float64(all[i])
					t.Logf("%s: %d of %d touched (%.2f %%)", name, touched[i], all[i], 100*share)
					if share > c.most {
						t.Errorf("%s: %.4f touched, want at most %.4f", name, share, c.most)
					}
				}
			})
		}
	}
}

func TestCorpusIdempotent(t *testing.T) {
	for _, cfg := range []Config{{}, {FingerprintKey: testKey}} {
		s := newScanner(t, cfg)
		for _, name := range []string{"recall", "clean", "hard-negatives"} {
			for _, sm := range corpus(t, name, 1000) {
				for _, mode := range corpusModes[:3] {
					once := mode.run(t, s, sm.Line)
					s.Reset()
					if twice := mode.run(t, s, once); twice != once {
						t.Fatalf("%s, %s: redacting twice differs\nonce:  %s\ntwice: %s", name, mode.name, once, twice)
					}
					if c := s.Counts(); len(c) != 0 {
						t.Fatalf("%s, %s: the second time counts %v in %s", name, mode.name, c, once)
					}
				}
			}
		}
	}
}
