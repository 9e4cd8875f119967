// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/google/go-cmp/cmp"
)

// encode encodes one record with the options of the golden lines.
func encode(r payload.LogRecord) journal.Record {
	var b payload.Batch
	payload.NewEncoder(payloadtest.Options()).Append(&b, &r)
	return b.Records()[0]
}

func TestGolden(t *testing.T) {
	names := map[string]bool{}
	for _, c := range payloadtest.Cases() {
		if names[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		names[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			got := encode(c.Record)
			if diff := cmp.Diff(c.Line(), string(got.Payload)); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			if err := payloadtest.Check(got); err != nil {
				t.Error(err)
			}
		})
	}
	if len(names) < 100 {
		t.Errorf("%d golden records are not all of them", len(names))
	}
}

// All golden records through one encoder and into one batch: nothing of one
// record may show in the next.
func TestGoldenInOneBatch(t *testing.T) {
	cases := payloadtest.Cases()
	enc := payload.NewEncoder(payloadtest.Options())
	var b payload.Batch
	for range 2 {
		b.Reset()
		for i := range cases {
			enc.Append(&b, &cases[i].Record)
			if i%7 == 0 {
				_ = b.Records() // asking early changes nothing
			}
		}
		for i, r := range b.Records() {
			if diff := cmp.Diff(cases[i].Line(), string(r.Payload)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", cases[i].Name, diff)
			}
			if err := payloadtest.Check(r); err != nil {
				t.Errorf("%s: %v", cases[i].Name, err)
			}
		}
		enc.Forget()
	}
}

func TestIdempotent(t *testing.T) {
	for _, c := range payloadtest.Cases() {
		got := encode(c.Record)
		_, rest, _ := strings.Cut(c.Name, "id/")
		switch {
		case strings.Contains(c.Name, "refused"), rest == "neither", rest == "a marker determines nothing":
			if got.Idempotent {
				t.Errorf("%s: the sender did not determine the id", c.Name)
			}
		case rest != "":
			if !got.Idempotent {
				t.Errorf("%s: the sender determined the id", c.Name)
			}
		}
	}
}
