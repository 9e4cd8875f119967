// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

func signingKey(t testing.TB, kind string) integrity.SigningKey {
	t.Helper()
	k, err := integrity.NewSigningKey(kind, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func writeFile(t testing.TB, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What the configuration names is what the journal is opened with.
func TestJournalOptions(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		dir := filepath.Dir(c.Path)
		c.Checkpoint.SigningKey.File = writeFile(t, filepath.Join(dir, "signer"), signingKey(t, integrity.KindCheckpoint).Text())
		c.Checkpoint.EveryRecords = 0
		c.Checkpoint.Every = 5 * time.Second
		c.Checkpoint.Timestamp.URL = "http://127.0.0.1:1/tsr"
		c.ErasureKey.File = writeFile(t, filepath.Join(dir, "erasure.pub"), signingKey(t, integrity.KindErasure).Public().Text())
		c.Epoch.EveryRecords = 5000
		c.Epoch.Every = 0
	})
	o, key, err := f.inner.options()
	if err != nil {
		t.Fatal(err)
	}
	got := o.Key // or in a store, where the file can be replaced
	if o.Keys != nil {
		state, err := o.Keys.Load()
		if err != nil || !o.Key.IsZero() {
			t.Errorf("keys are %v and a store: %v", o.Key, err)
		}
		got = state.Key
	}
	if got.ID() != key.ID() || key.ID() != testKey(t).ID() {
		t.Errorf("key is %v", got)
	}
	if o.Checkpoint.Signer.ID() != signingKey(t, integrity.KindCheckpoint).ID() || o.Checkpoint.Records >= 0 || o.Checkpoint.Every != 5*time.Second ||
		o.Checkpoint.Publish == nil || o.Checkpoint.Timestamp == nil {
		t.Errorf("checkpoint is %+v", o.Checkpoint)
	}
	if o.ErasureKey != signingKey(t, integrity.KindErasure).Public() {
		t.Errorf("erasure key is %v", o.ErasureKey)
	}
	if o.Epoch.Records != 5000 || o.Epoch.Every >= 0 {
		t.Errorf("epoch is %+v", o.Epoch)
	}
}

// The key for checkpoints is the one beside the key file; where none is, there
// are no checkpoints, unless they were asked for.
func TestKeyBesideTheKeyFile(t *testing.T) {
	f := newFixture(t)
	o, _, err := f.inner.options()
	if err != nil || !o.Checkpoint.Signer.IsZero() || o.Checkpoint.Publish != nil {
		t.Errorf("without a key: %+v, %v", o.Checkpoint, err)
	}
	f.cfg.Checkpoint.written = true
	if _, _, err := f.inner.options(); err == nil || !strings.Contains(err.Error(), "signing_key: {file: PATH}") {
		t.Errorf("asked for, and no key: %v", err)
	}
	writeFile(t, f.cfg.Key.File+keyfile.CheckpointSuffix, signingKey(t, integrity.KindCheckpoint).Text())
	o, _, err = f.inner.options()
	if err != nil || o.Checkpoint.Signer.ID() != signingKey(t, integrity.KindCheckpoint).ID() || o.Checkpoint.Timestamp != nil {
		t.Errorf("beside: %+v, %v", o.Checkpoint, err)
	}
}

// A file that is something else than the configuration says stops the start.
func TestStartRefusesOtherKeys(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *Config, dir string)
		want   string
	}{
		"no file": {func(c *Config, dir string) { c.Checkpoint.SigningKey.File = filepath.Join(dir, "none") }, "checkpoint::signing_key"},
		"an erasure key": {func(c *Config, dir string) {
			c.Checkpoint.SigningKey.File = writeFile(t, filepath.Join(dir, "k"), signingKey(t, integrity.KindErasure).Text())
		}, "wrong kind"},
		"a private key for erasures": {func(c *Config, dir string) {
			c.ErasureKey.File = writeFile(t, filepath.Join(dir, "k"), signingKey(t, integrity.KindErasure).Text())
		}, "erasure_public_key"},
		"no certificates": {func(c *Config, dir string) {
			c.Checkpoint.SigningKey.File = writeFile(t, filepath.Join(dir, "k"), signingKey(t, integrity.KindCheckpoint).Text())
			c.Checkpoint.Timestamp.URL = "http://127.0.0.1:1/"
			c.Checkpoint.Timestamp.CAFile = writeFile(t, filepath.Join(dir, "ca"), nil)
		}, "checkpoint::timestamp::ca_file"},
		"epochs of a static key": {func(c *Config, _ string) { c.Epoch.written = true }, "is static"},
	} {
		f := newFixture(t, func(cfg *Config) { c.change(cfg, filepath.Dir(cfg.Path)) })
		err := f.Start(context.Background(), f.host)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(f.cfg.Path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a journal was begun", name)
		}
	}
}

func assertInt(t *testing.T, tel *componenttest.Telemetry, set string,
	assert func(*testing.T, *componenttest.Telemetry, []metricdata.DataPoint[int64], ...metricdatatest.Option), want int64) {
	t.Helper()
	assert(t, tel, []metricdata.DataPoint[int64]{{
		Attributes: attribute.NewSet(attribute.String("exporter", set)), Value: want,
	}}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

// What the journal calls counts.
func TestCheckpointMetrics(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer srv.Close()
	f := newFixture(t, func(c *Config) {
		c.Checkpoint.SigningKey.File = writeFile(t, filepath.Join(filepath.Dir(c.Path), "signer"), signingKey(t, integrity.KindCheckpoint).Text())
		c.Checkpoint.Timestamp.URL = srv.URL
	})
	o, _, err := f.inner.options()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, size := range []uint64{5, 9} {
		o.Checkpoint.Publish(ctx, journal.Published{Checkpoint: integrity.Checkpoint{Size: size}})
	}
	id := f.set.ID.String()
	assertInt(t, f.telemetry, id, metadatatest.AssertEqualAuditChainCheckpoints, 2)
	assertInt(t, f.telemetry, id, metadatatest.AssertEqualAuditChainCheckpointSize, 9)
	for range 2 {
		_, err := o.Checkpoint.Timestamp(ctx, []byte("note"))
		if err == nil {
			t.Fatal("a time stamp came from nowhere")
		}
		o.Report(errors.Join(errors.New("checkpoint 5"), err)) // as the journal does
	}
	assertInt(t, f.telemetry, id, metadatatest.AssertEqualAuditChainTimestampFailures, 2)
	if n := f.logs.FilterMessageSnippet("not time-stamped").Len(); n != 1 {
		t.Errorf("logged %d times", n)
	}
	f.inner.telemetry.timestamp(ctx, nil)
	assertInt(t, f.telemetry, id, metadatatest.AssertEqualAuditChainTimestamps, 1)
}

// fakeStore keeps one state, or fails.
type fakeStore struct {
	journal.KeyStore
	err error
}

func (s *fakeStore) Save(integrity.KeyState) error { return s.err }

func TestEpochMetric(t *testing.T) {
	f := newFixture(t)
	store := &fakeStore{}
	k := &countedKeys{KeyStore: store, telemetry: f.inner.telemetry}
	key, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	save := func(epoch uint64) error {
		k2, err := key.At(epoch)
		if err != nil {
			t.Fatal(err)
		}
		return k.Save(integrity.KeyState{Key: k2})
	}
	store.err = errors.New("disk full")
	if err := save(1); !errors.Is(err, store.err) {
		t.Errorf("error is %v", err)
	}
	store.err = nil
	for _, epoch := range []uint64{0, 1, 1, 3} { // 0: it was bound to its chain
		if err := save(epoch); err != nil {
			t.Fatal(err)
		}
	}
	assertInt(t, f.telemetry, f.set.ID.String(), metadatatest.AssertEqualAuditChainEpochs, 3)
}
