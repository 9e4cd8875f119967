// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

func newSigner(t testing.TB, kind string) integrity.SigningKey {
	t.Helper()
	k, err := integrity.NewSigningKey(kind, bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// configOf is what New opens the journal with.
func configOf(opts ...Option) (*config, error) {
	c := newConfig(opts)
	return c, errors.Join(c.keys(), c.checkpoints())
}

// keyOf is the key that the journal gets, itself or in a store.
func keyOf(t testing.TB, c *config) integrity.Key {
	t.Helper()
	if c.open.Keys == nil {
		return c.open.Key
	}
	s, err := c.open.Keys.Load()
	if err != nil || !c.open.Key.IsZero() {
		t.Fatalf("a key %v and a store: %v", c.open.Key, err)
	}
	return s.Key
}

func keyFile(t testing.TB, beside []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.key")
	if err := os.WriteFile(path, newKey(t).Text(), 0o600); err != nil {
		t.Fatal(err)
	}
	if beside != nil {
		if err := os.WriteFile(path+".checkpoint", beside, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// The key for checkpoints is the one that was given, else the one beside the
// key file; without any, there are none.
func TestSigner(t *testing.T) {
	signer := newSigner(t, integrity.KindCheckpoint)
	alone, both := keyFile(t, nil), keyFile(t, signer.Text())
	for name, opts := range map[string][]Option{
		"beside":     {WithKeyFile(both)},
		"its file":   {WithKeyFile(alone), WithCheckpointKeyFile(both + ".checkpoint")},
		"given":      {WithKeyFile(alone), WithCheckpoints(journal.Checkpoint{Signer: signer})},
		"with times": {WithKeyFile(both), WithCheckpoints(journal.Checkpoint{Records: 5, Every: time.Hour})},
	} {
		c, err := configOf(opts...)
		if err != nil || c.open.Checkpoint.Signer.ID() != signer.ID() || keyOf(t, c).ID() != newKey(t).ID() {
			t.Errorf("%s: %+v, %v", name, c.open, err)
		}
		if name == "with times" && (c.open.Checkpoint.Records != 5 || c.open.Checkpoint.Every != time.Hour) {
			t.Errorf("%s: %+v", name, c.open.Checkpoint)
		}
	}
	if c, err := configOf(WithKeyFile(alone)); err != nil || !c.open.Checkpoint.Signer.IsZero() {
		t.Errorf("none: %v, %v", c.open.Checkpoint.Signer, err)
	}
	provider := sdklog.NewLoggerProvider()
	store := &memoryStore{state: integrity.KeyState{Key: newKey(t)}}
	for name, c := range map[string]struct {
		opts []Option
		want string
	}{
		"no key":        {[]Option{WithKeyFile(alone), WithCheckpoints(journal.Checkpoint{})}, "WithCheckpoints: there is no key"},
		"no key, env":   {[]Option{WithKey(newKey(t)), WithCheckpointLogger(provider)}, "WithCheckpointLogger: there is no key"},
		"two keys":      {[]Option{WithKeyFile(both), WithCheckpoints(journal.Checkpoint{Signer: signer}), WithCheckpointKeyFile(both + ".checkpoint")}, "keep one"},
		"another kind":  {[]Option{WithKeyFile(keyFile(t, newSigner(t, integrity.KindErasure).Text()))}, "wrong kind"},
		"few records":   {[]Option{WithKeyFile(both), WithCheckpointLogger(provider), WithCheckpoints(journal.Checkpoint{Records: 99})}, "at least 100"},
		"no provider":   {[]Option{WithKeyFile(both), WithCheckpointLogger(nil)}, "the provider is nil"},
		"no url":        {[]Option{WithKeyFile(both), WithTimestamps("tsa.example", nil)}, "WithTimestamps"},
		"epochs":        {[]Option{WithKeyFile(alone), WithEpochs(journal.DefaultEpoch)}, "has no epochs"},
		"key and store": {[]Option{WithKey(newKey(t)), WithKeyStore(store)}, "exclude"},
		"no store":      {[]Option{WithKeyStore(&memoryStore{err: os.ErrPermission})}, "permission"},
	} {
		_, err := New(filepath.Join(t.TempDir(), "audit.jsonl"), c.opts...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	e := open(t)
	for _, o := range []Option{WithCheckpoints(journal.Checkpoint{}), WithCheckpointLogger(provider), WithTimestamps("", nil),
		WithCheckpointKeyFile(both), WithEpochs(journal.DefaultEpoch), WithErasureKey(integrity.PublicKey{}), WithKeyStore(store)} {
		if _, err := NewWithJournal(e.Journal(), o); err == nil {
			t.Error("an open journal takes an option of New")
		}
	}
}

// memoryStore keeps the state of a key in memory.
type memoryStore struct {
	journal.KeyStore
	state integrity.KeyState
	err   error
}

func (s *memoryStore) Load() (integrity.KeyState, error) { return s.state, s.err }

func TestKeyStoreAndErasureKey(t *testing.T) {
	forward, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	store := &memoryStore{state: integrity.KeyState{Key: forward}}
	public := newSigner(t, integrity.KindErasure).Public()
	epoch := journal.Epoch{Every: time.Hour, Records: 7}
	c, err := configOf(WithKeyStore(store), WithEpochs(epoch), WithErasureKey(public))
	if err != nil || c.open.Keys != store || !c.open.Key.IsZero() || c.open.Epoch != epoch || c.open.ErasureKey != public {
		t.Errorf("%+v, %v", c.open, err)
	}
}

// A checkpoint as a record of the SDK.
func TestCheckpointRecord(t *testing.T) {
	sink := &collector{}
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(sink), sdklog.WithAttributeCountLimit(-1))
	var then []uint64
	publish := emitting(p, "1.2.3", func(_ context.Context, c journal.Published) { then = append(then, c.Size) })
	point := integrity.Checkpoint{Chain: integrity.ChainID{1}, Size: 42, Root: integrity.Leaf([]byte("x"))}
	note, err := point.Sign(newSigner(t, integrity.KindCheckpoint))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	publish(t.Context(), journal.Published{Checkpoint: point, Seq: 43, Note: note, Time: at})
	if len(sink.got) != 1 || len(then) != 1 || then[0] != 42 {
		t.Fatalf("%d records, then %v", len(sink.got), then)
	}
	r := sink.got[0]
	if r.EventName() != "audit.checkpoint" || !r.Timestamp().Equal(at) || r.Severity() != 9 || r.SeverityText() != "INFO" || r.Body().AsString() != string(note) ||
		r.InstrumentationScope().Name != scopeName || r.InstrumentationScope().Version != "1.2.3" {
		t.Errorf("record %+v", r)
	}
	got := map[string]string{}
	r.WalkAttributes(func(kv attribute.KeyValue) bool { got[string(kv.Key)] = kv.Value.String(); return true })
	want := map[string]string{
		"audit.record.id":           got["audit.record.id"],
		"audit.sequence.stream_id":  point.Chain.String(),
		"audit.sequence.number":     "42",
		"audit.integrity.value":     point.Root.String(),
		"audit.integrity.algorithm": "rfc6962-sha256",
	}
	for k, v := range want {
		if got[k] != v || v == "" {
			t.Errorf("%s is %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("attributes %v", got)
	}
	if _, err := integrity.OpenCheckpoint([]byte(r.Body().AsString()), newSigner(t, integrity.KindCheckpoint).Public()); err != nil {
		t.Error(err)
	}
}
