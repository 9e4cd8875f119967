// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package pdatapayload

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/collector/pdata/plog"
)

func TestGolden(t *testing.T) {
	enc := New(payloadtest.Options())
	for _, c := range payloadtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			res := enc.Encode(payloadtest.ToLogs(t, c.Record))
			defer res.Release()
			if len(res.Records) != 1 {
				t.Fatalf("%d records of one", len(res.Records))
			}
			if diff := cmp.Diff(c.Line(), string(res.Records[0].Payload)); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			if err := payloadtest.Check(res.Records[0]); err != nil {
				t.Error(err)
			}
		})
	}
}

// parity encodes as pdata and as attribute.Value.
type parity struct {
	pdata *Encoder
	value *payload.Encoder
}

func newParity(t testing.TB) (both []parity) {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*redact.Redactor{nil, redactor} {
		o := payloadtest.Options()
		o.Redactor = r
		both = append(both, parity{New(o), payload.NewEncoder(o)})
	}
	return both
}

// check encodes a record twice over in both ways.
func (p parity) check(t *testing.T, r payload.LogRecord) {
	t.Helper()
	ld := payloadtest.ToLogs(t, r, r)
	ld.MarkReadOnly() // any change would panic
	var b payload.Batch
	p.value.Append(&b, &r)
	res := p.pdata.Encode(ld)
	defer res.Release()
	if len(res.Records) != 2 {
		t.Fatalf("%d records of 2", len(res.Records))
	}
	for _, got := range res.Records {
		if err := payloadtest.Check(got); err != nil {
			t.Fatalf("%v\n%s", err, got.Payload)
		}
		if diff := cmp.Diff(b.Records()[0], got); diff != "" {
			t.Fatalf("pdata differs from attribute.Value (-want +got):\n%s", diff)
		}
	}
	want := b.Redactions()
	for i := range want {
		want[i].N *= 2
	}
	if diff := cmp.Diff(want, res.Redactions(), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("redactions (-want +got):\n%s", diff)
	}
}

// pdata and attribute.Value give the same bytes, with and without redaction,
// for whatever a sender can put on the wire.
func TestParityOfRandomRecords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	data := make([]byte, 500)
	both := newParity(t)
	for range 500 {
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		r := payloadtest.FromBytes(data[:rnd.IntN(len(data))])
		for _, p := range both {
			p.check(t, r)
		}
	}
}

func FuzzParity(f *testing.F) {
	for _, seed := range payloadtest.Seeds() {
		f.Add(seed)
	}
	both := newParity(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := payloadtest.FromBytes(data)
		for _, p := range both {
			p.check(t, r)
		}
	})
}

// What is secret only for the argument before it.
func TestArgv(t *testing.T) {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	argv := lr.Attributes().PutEmptySlice("audit.event.command")
	for _, arg := range []string{"login", "--password", "hunter2hunter2", "--verbose"} {
		argv.AppendEmpty().SetStr(arg)
	}
	lr.SetEventName("audit.x")
	res := New(Options{Redactor: redactor}).Encode(ld)
	defer res.Release()
	if p := string(res.Records[0].Payload); !strings.Contains(p, `"command":["login","--password","[REDACTED:password]","--verbose"]`) {
		t.Error(p)
	}
}

// many is a batch of many records under several resources and scopes, some of
// them empty.
func many(t *testing.T) plog.Logs {
	ld := payloadtest.Logs(150)
	cases := payloadtest.Cases()
	second := ld.ResourceLogs().At(0).ScopeLogs().AppendEmpty()
	second.Scope().SetName("second")
	payloadtest.Logs(130).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().CopyTo(second.LogRecords())
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	ld.ResourceLogs().AppendEmpty()
	for range 3 {
		for i := range cases {
			payloadtest.ToLogs(t, cases[i].Record).ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
		}
		payloadtest.Logs(70).ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
		payloadtest.Logs(1).ResourceLogs().At(0).ScopeLogs().MoveAndAppendTo(ld.ResourceLogs().At(0).ScopeLogs())
	}
	return ld
}

func TestParallelIsSerial(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ld := many(t)
	n := ld.LogRecordCount()
	serial := New(payloadtest.Options()).Encode(ld)
	if len(serial.Records) != n {
		t.Fatalf("%d records of %d", len(serial.Records), n)
	}
	for _, procs := range []int{2, 4, 7} {
		runtime.GOMAXPROCS(procs)
		enc := New(payloadtest.Options())
		for range 2 { // the second time with used buffers
			res := enc.Encode(ld)
			if len(res.Records) != n {
				t.Fatalf("%d cores: %d records of %d", procs, len(res.Records), n)
			}
			for i, want := range serial.Records {
				got := res.Records[i]
				if !bytes.Equal(want.Payload, got.Payload) {
					t.Fatalf("%d cores, record %d (-serial +parallel):\n%s", procs, i, cmp.Diff(string(want.Payload), string(got.Payload)))
				}
				want.Payload, got.Payload = nil, nil
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%d cores, record %d (-serial +parallel):\n%s", procs, i, diff)
				}
			}
			if diff := cmp.Diff(serial.Rejected(), res.Rejected()); diff != "" {
				t.Fatalf("%d cores, rejected (-serial +parallel):\n%s", procs, diff)
			}
			if len(res.Rejected()) != 1 {
				t.Fatalf("rejected: %v", res.Rejected())
			}
			res.Release()
		}
	}
}

// A rejection is made of the record that it names, in whatever piece that is.
func TestRejection(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	ld := plog.NewLogs()
	for i := range 300 {
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutInt("r", int64(i))
		rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("content")
	}
	res := New(payloadtest.Options()).Encode(ld)
	defer res.Release()
	for i, orig := range res.Records {
		got := res.Rejection(i, TooLarge)
		if err := payloadtest.Check(got); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`"reason":"too_large","bytes":%d}`, len(orig.Payload))
		if p := string(got.Payload); !strings.Contains(p, want) || !strings.Contains(p, fmt.Sprintf(`{"r":%d}`, i)) || strings.Contains(p, "content") {
			t.Fatalf("record %d: %s", i, p)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	enc := New(Options{Redactor: redactor})
	ld := many(t)
	ld.MarkReadOnly()
	n := ld.LogRecordCount()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				res := enc.Encode(ld)
				if len(res.Records) != n {
					t.Errorf("%d records of %d", len(res.Records), n)
				}
				for _, r := range res.Records {
					if r.Leaf != integrity.Leaf(r.Payload) {
						t.Error("a leaf is not that of its payload")
						return
					}
				}
				res.Release()
			}
		})
	}
	wg.Wait()
}

func TestBlindsAndIDsDiffer(t *testing.T) {
	enc := New(Options{})
	seen := map[string]bool{}
	for range 3 {
		res := enc.Encode(payloadtest.Logs(300))
		for _, r := range res.Records {
			if err := payloadtest.Check(r); err != nil {
				t.Fatal(err)
			}
			_, blind, _ := strings.Cut(string(r.Payload), `"blind":"`)
			for _, s := range []string{blind, r.ID.String()} {
				if seen[s] {
					t.Fatalf("%q came twice", s)
				}
				seen[s] = true
			}
		}
		res.Release()
	}
	if len(seen) != 3*300*2 {
		t.Fatalf("%d blinds and ids", len(seen))
	}
}

func TestNothing(t *testing.T) {
	res := New(Options{}).Encode(plog.NewLogs())
	if len(res.Records) != 0 || res.Redactions() != nil || res.Rejected() != nil {
		t.Errorf("records of an empty batch: %v", res)
	}
	res.Release()
	res.Release() // does no harm
}
