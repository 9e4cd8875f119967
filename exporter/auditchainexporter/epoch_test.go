// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"os"
	"strconv"
	"testing"

	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/integrity"
)

// A forward-secure key steps as the configuration says, its file with it, and
// each step is counted.
func TestForwardSecureKey(t *testing.T) {
	key, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(c *Config) {
		writeFile(t, c.Key.File, integrity.KeyState{Key: key}.Text())
		c.Epoch = EpochConfig{EveryRecords: 10, written: true}
	}).start(t)
	for i := range 40 {
		f.consume(t, logsOf("number "+strconv.Itoa(i)))
	}
	if err := f.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.cfg.Key.File)
	if err != nil {
		t.Fatal(err)
	}
	state, err := integrity.ParseKeyState(text)
	if err != nil || !state.Bound() || state.Key.ID() != key.ID() || state.Key.Epoch() < 3 {
		t.Fatalf("the key file is at epoch %d, bound %v, %v", state.Key.Epoch(), state.Bound(), err)
	}
	steps := 0
	_, controls := lines(t, f.cfg.Path)
	for _, c := range controls {
		if c == integrity.ControlEpoch {
			steps++
		}
	}
	if steps != int(state.Key.Epoch()) {
		t.Errorf("%d steps are sealed, and the key file is at epoch %d", steps, state.Key.Epoch())
	}
	assertInt(t, f.telemetry, f.set.ID.String(), metadatatest.AssertEqualAuditChainEpochs, int64(steps))
}
