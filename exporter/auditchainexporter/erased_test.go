// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/integrity"
)

// A record that was erased and is sent again is refused, and its batch goes
// on.
func TestErasedRecordIsRefused(t *testing.T) {
	f := newFixture(t)
	key, err := integrity.GenerateSigningKey(integrity.KindErasure)
	if err != nil {
		t.Fatal(err)
	}
	// The chain gets its erasure key when it is begun.
	j, err := journal.Open(t.Context(), f.cfg.Path, journal.Options{Key: testKey(t), ErasureKey: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	f.start(t)
	f.consume(t, logsOf(id1+":the content"))
	if _, err := j.Erase(t.Context(), []journal.Erasure{{Seq: 4, Who: "alice", Reason: "request 17", Key: key}}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	f.consume(t, logsOf("before", id1+":the content", "after"))
	records, _ := lines(t, f.cfg.Path)
	all := strings.Join(records, "\n")
	if strings.Contains(all, "the content") || !strings.Contains(all, `"before"`) || !strings.Contains(all, `"after"`) ||
		!strings.Contains(all, `"event":{"type":"rejected","reason":"erased","record_id":"`+id1+`"`) {
		t.Errorf("records:\n%s", all)
	}
	metadatatest.AssertEqualAuditChainRecordsRejected(t, f.telemetry, f.rejected(f.point(1, attribute.String("reason", "erased"))...), ignore...)
}
