// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
	"github.com/auditchain/auditchain/processor/redact"
)

// recall are the lines with secrets of the corpus of package redact.
func recall(t *testing.T) (lines []string) {
	t.Helper()
	f, err := os.Open("../redact/testdata/recall.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var sample struct{ Line string }
		if err := json.Unmarshal(sc.Bytes(), &sample); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, sample.Line)
	}
	if err := sc.Err(); err != nil || len(lines) < 1000 {
		t.Fatalf("the corpus has %d lines (%v): it proves nothing", len(lines), err)
	}
	return lines
}

// shapes are the ways in which a line can come as a record.
var shapes = map[string]func(t *testing.T, p parts, line string){
	"body text": func(_ *testing.T, p parts, line string) { p.lr.Body().SetStr(line) },
	"loose text": func(_ *testing.T, p parts, line string) {
		p.lr.Body().SetStr("got " + line + "\n")
	},
	"text in text": func(t *testing.T, p parts, line string) {
		b, err := json.Marshal(map[string]any{"message": line})
		if err != nil {
			t.Fatal(err)
		}
		p.lr.Body().SetStr(string(b))
	},
	"bytes": func(_ *testing.T, p parts, line string) { p.lr.Attributes().PutEmptyBytes("b").FromRaw([]byte(line)) },
	"maps": func(t *testing.T, p parts, line string) {
		m := raw(t, line)
		for _, err := range []error{
			p.lr.Body().SetEmptyMap().FromRaw(m), p.lr.Attributes().PutEmptyMap("nested").FromRaw(m),
			p.rl.Resource().Attributes().FromRaw(m), p.sl.Scope().Attributes().FromRaw(m),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	},
	"attributes": func(t *testing.T, p parts, line string) {
		if err := p.lr.Attributes().FromRaw(raw(t, line)); err != nil {
			t.Fatal(err)
		}
		p.lr.SetEventName("audit.x")
		p.lr.Attributes().PutStr("audit.event.line", line)
		p.lr.Attributes().PutStr("session.id", line)
	},
	"key": func(_ *testing.T, p parts, line string) { p.lr.Attributes().PutStr(line, line) },
	"texts": func(_ *testing.T, p parts, line string) {
		p.lr.SetEventName("audit." + line)
		p.lr.SetSeverityText(line)
		p.sl.Scope().SetName(line)
		p.rl.SetSchemaUrl(line)
		argv := p.lr.Attributes().PutEmptySlice("argv")
		for word := range strings.FieldsSeq(line) {
			argv.AppendEmpty().SetStr(word)
		}
	},
	"pair": func(_ *testing.T, p parts, line string) {
		m := p.lr.Body().SetEmptyMap()
		m.PutStr("value", line)
		m.PutStr("name", "DB_PASSWORD")
		p.lr.Attributes().PutStr("name", line)
		p.lr.Attributes().PutStr("value", line)
	},
}

func raw(t *testing.T, line string) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A record is sealed alike whether the exporter alone redacts it or this
// processor did so before, what it says was masked among that. That does not
// hold, and cannot, for a map in which two keys are masked alike: pdata has no
// keys that stand twice, so the processor numbers them (TestMaskedKeysDoNotCollide).
func TestSealedAlikeBehindTheProcessor(t *testing.T) {
	for name, cfg := range map[string]redact.Config{"plain": {}, "fingerprints": {FingerprintKey: []byte("a key that is only used in a test")}} {
		r, err := redact.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		o := payloadtest.Options()
		o.Redactor = r
		encode := func(ld plog.Logs) (string, []redact.KindCount) {
			// Of its own, so that ids come out the same.
			res := pdatapayload.New(o).Encode(ld)
			defer res.Release()
			return string(res.Records[0].Payload), res.Redactions()
		}
		fresh := func() scanner { return r.Scanner() }
		b := batch{scanner: fresh(), fresh: fresh}
		lines := recall(t)
		for shape, put := range shapes {
			said := 0
			for i, line := range lines {
				if testing.Short() && i%10 != 0 {
					continue
				}
				ld, p := one()
				put(t, p, line)
				want, _ := encode(ld)
				b.logs(ld)
				got, masked := encode(ld)
				if want != got {
					t.Fatalf("%s, %s (-alone +behind):\n%s", name, shape, cmp.Diff(want, got))
				}
				if len(masked) != 0 {
					t.Fatalf("%s, %s: behind the processor %v is masked in %s", name, shape, masked, got)
				}
				if strings.Contains(got, `,"redacted":{`) {
					said++
				}
			}
			if said == 0 {
				t.Errorf("%s, %s: no record says that something was masked", name, shape)
			}
		}
		if b.failures != 0 {
			t.Errorf("%s: %d failures", name, b.failures)
		}
	}
}
