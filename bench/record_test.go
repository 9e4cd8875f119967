// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

func TestRecordHasTheDefinedShapeAndSize(t *testing.T) {
	proto, json, err := checkSize()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes of protobuf, %d of JSON", proto, json)
	ld := newPool(1, 1, false).batches[0]
	rl := ld.ResourceLogs().At(0)
	lr := rl.ScopeLogs().At(0).LogRecords().At(0)
	if got := lr.Attributes().Len(); got != 8 {
		t.Errorf("%d attributes, want 8", got)
	}
	if got := rl.Resource().Attributes().Len(); got != 4 {
		t.Errorf("%d resource attributes, want 4", got)
	}
	if lr.Body().Type() != pcommon.ValueTypeMap {
		t.Fatalf("the body is a %s, want a map", lr.Body().Type())
	}
	if nested, ok := lr.Body().Map().Get("request"); !ok || nested.Type() != pcommon.ValueTypeMap {
		t.Error("the body has no nested map")
	}
	bare := plog.NewLogs()
	bare.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	without := len(mustJSON(t, bare))
	lr.Body().CopyTo(bare.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body())
	if n := len(mustJSON(t, bare)) - without; n < 200 || n > 340 {
		t.Errorf("the body takes %d bytes of OTLP/JSON, want about 300", n)
	}
}

func mustJSON(t *testing.T, ld plog.Logs) []byte {
	t.Helper()
	b, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSizeCheckRefusesAnotherRecord(t *testing.T) {
	for _, got := range []int{600, 700} {
		if near(got, wantProtoBytes) {
			t.Errorf("near(%d, %d) = true", got, wantProtoBytes)
		}
	}
	if !near(650, wantProtoBytes) {
		t.Error("near(650, 658) = false")
	}
}

func TestDirtyPoolPlantsOneSecretInTenRecords(t *testing.T) {
	clean, dirty := newPool(200, 100, false), newPool(200, 100, true)
	if len(clean.secrets) != 0 {
		t.Errorf("the clean pool holds %d secrets", len(clean.secrets))
	}
	if len(dirty.secrets) != 20 || dirty.secretsIn[0] != 10 || dirty.secretsIn[1] != 10 {
		t.Fatalf("%d secrets, by batch %v, want 20 and [10 10]", len(dirty.secrets), dirty.secretsIn)
	}
	var text strings.Builder
	for _, ld := range dirty.batches {
		text.Write(mustJSON(t, ld))
	}
	for _, s := range dirty.secrets {
		if n := strings.Count(text.String(), s); n != 1 {
			t.Errorf("a planted secret stands %d times in the pool, want 1", n)
		}
	}
}

func TestPoolRecordsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, ld := range newPool(500, 1, false).batches {
		b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(b)] {
			t.Fatal("two records of the pool are equal")
		}
		seen[string(b)] = true
	}
}

func TestClonesGetNewIDsAndLeaveThePoolAlone(t *testing.T) {
	p := newPool(20, 10, false)
	var next uint64
	seen := map[string]bool{}
	for range 3 {
		for _, ld := range p.clones(true, &next) {
			recs := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
			for i := range recs.Len() {
				v, ok := recs.At(i).Attributes().Get("audit.record.id")
				if !ok {
					t.Fatal("a clone has no audit.record.id")
				}
				u, err := uuid.Parse(v.Str())
				if err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122 {
					t.Fatalf("id %q: version %d, variant %v, err %v", v.Str(), u.Version(), u.Variant(), err)
				}
				if seen[v.Str()] {
					t.Fatalf("id %q twice", v.Str())
				}
				seen[v.Str()] = true
			}
		}
	}
	if len(seen) != 60 {
		t.Fatalf("%d ids, want 60", len(seen))
	}
	if _, ok := p.batches[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("audit.record.id"); ok {
		t.Error("the pool's own records got an id")
	}
}
