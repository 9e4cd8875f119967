// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/checkpointlog"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/timestamp"
)

// scopeName is the scope of the records that the exporter emits itself.
const scopeName = "github.com/auditchain/auditchain/exporter/chainlog"

// leastRecords is the least that journal.Checkpoint.Records may be where
// checkpoints are emitted: see WithCheckpointLogger.
const leastRecords = 100

// heads says where the heads of the chain go.
type heads struct {
	wanted    string // an option that asked for checkpoints
	keyFile   string
	authority *timestamp.Options
	emit      bool // WithCheckpointLogger was given
	logger    log.LoggerProvider
}

func checkpointOption(name string, f func(*config)) Option {
	return openOption(func(c *config) { c.heads.wanted = name; f(c) })
}

// WithCheckpoints says when checkpoints of the chain are made, and who gets
// them: signed notes that pin everything before them (docs/CHECKPOINTS.md).
//
// They are signed by c.Signer, else by the key that WithCheckpointKeyFile
// names, else by the one beside the key file, where there is one: then
// checkpoints are made also without this option. A chain that is begun without
// such a key has no checkpoints ever.
func WithCheckpoints(c journal.Checkpoint) Option {
	return checkpointOption("WithCheckpoints", func(o *config) { o.open.Checkpoint = c })
}

// WithCheckpointKeyFile names the file of the private key that signs
// checkpoints. Nobody but its owner may be able to read it.
func WithCheckpointKeyFile(path string) Option {
	return checkpointOption("WithCheckpointKeyFile", func(c *config) { c.heads.keyFile = path })
}

// WithTimestamps has an RFC 3161 time-stamp authority say when each checkpoint
// existed. With roots, its certificate must lead to one of them. Nothing waits
// for it, and what it refuses is told to WithReport. It takes the place of
// journal.Checkpoint.Timestamp.
func WithTimestamps(url string, roots *x509.CertPool) Option {
	return checkpointOption("WithTimestamps", func(c *config) { c.heads.authority = &timestamp.Options{URL: url, Roots: roots} })
}

// WithCheckpointLogger emits each checkpoint as a log record too, so that a
// copy of the head of the chain leaves the host with whatever p exports to: an
// event audit.checkpoint, its body the signed note (docs/CHECKPOINTS.md). It is
// emitted when the checkpoint is durable, from a goroutine of its own. Export
// does not wait for it, but what p does not hand on at once (a batch processor
// does, a simple one may not) holds up the checkpoints behind it.
//
// p is best a provider of its own, which is shut down after that of the
// exporter: then the last checkpoint, which Shutdown makes, gets out too. Where
// p is also the provider that feeds this exporter (otel.GetLoggerProvider, say,
// because it has to be made after the exporter), each such record is sealed
// like any other, and the last checkpoint is not emitted. That makes no
// runaway: a checkpoint comes of at least 100 lines, or of time, and makes a
// few; so journal.Checkpoint.Records below 100 is refused with this option.
func WithCheckpointLogger(p log.LoggerProvider) Option {
	return checkpointOption("WithCheckpointLogger", func(c *config) { c.heads.emit, c.heads.logger = true, p })
}

// WithEpochs says when a forward-secure key steps to its next epoch. By
// default, it is journal.DefaultEpoch. A static key has no epochs, and is
// refused with it.
func WithEpochs(e journal.Epoch) Option {
	return openOption(func(c *config) { c.open.Epoch = e; c.epochs = true })
}

// WithErasureKey names the public key of those who may have records erased,
// for a chain that this exporter begins. By default, nobody may.
func WithErasureKey(k integrity.PublicKey) Option {
	return openOption(func(c *config) { c.open.ErasureKey = k })
}

// WithKeyStore keeps the chain's key in a place of the caller's, which is
// given the next one at each step of a forward-secure key. It takes precedence
// over WithKeyFile and WithKeyEnv.
func WithKeyStore(s journal.KeyStore) Option {
	return openOption(func(c *config) { c.open.Keys = s })
}

// keys fills in the key of the chain.
func (c *config) keys() error {
	var forward bool
	switch {
	case c.open.Keys != nil && !c.key.IsZero():
		return errors.New("WithKey and WithKeyStore exclude each other")
	case c.open.Keys != nil:
		s, err := c.open.Keys.Load()
		if err != nil {
			return fmt.Errorf("key store: %w", err)
		}
		forward = s.Key.Forward()
	case !c.key.IsZero():
		c.open.Key, forward = c.key, c.key.Forward()
	default:
		if c.source.IsZero() {
			s, err := keyfile.Find("")
			if err != nil {
				return errors.New("there is no key: use WithKeyFile, or set " + keyfile.FileEnv + "; `auditchain key new FILE` makes a key")
			}
			c.source = s
		}
		key, store, err := keyfile.OpenKeys(c.source)
		if err != nil {
			return err
		}
		forward = key.Forward()
		if store != nil {
			c.open.Keys = store
		} else {
			c.open.Key = key
		}
	}
	if c.epochs && !forward {
		return errors.New("WithEpochs: the key is static and has no epochs")
	}
	return nil
}

// checkpoints fills in who signs checkpoints, and where they go.
func (c *config) checkpoints() (err error) {
	o := &c.open.Checkpoint
	if c.heads.keyFile != "" {
		if !o.Signer.IsZero() {
			return errors.New("WithCheckpointKeyFile: WithCheckpoints has a Signer already; keep one")
		}
		o.Signer, err = keyfile.LoadSigning(c.heads.keyFile, integrity.KindCheckpoint)
	} else if o.Signer.IsZero() {
		o.Signer, err = keyfile.BesideKey(c.source)
	}
	if err != nil {
		return err
	}
	if o.Signer.IsZero() {
		if c.heads.wanted != "" {
			return fmt.Errorf("%s: there is no key to sign checkpoints with; name it with WithCheckpointKeyFile, or make one beside the key file", c.heads.wanted)
		}
		return nil
	}
	if c.heads.authority != nil {
		a, err := timestamp.New(*c.heads.authority)
		if err != nil {
			return fmt.Errorf("WithTimestamps: %w", err)
		}
		o.Timestamp = a.Timestamp
	}
	if c.heads.emit {
		if c.heads.logger == nil {
			return errors.New("WithCheckpointLogger: the provider is nil")
		}
		if o.Records > 0 && o.Records < leastRecords {
			return fmt.Errorf("WithCheckpointLogger: a checkpoint every %d lines may come of nothing but the records of checkpoints; have Records at least %d, or negative for no limit", o.Records, leastRecords)
		}
		o.Publish = emitting(c.heads.logger, c.open.Version, o.Publish)
	}
	return nil
}

// emitting returns what emits a checkpoint and then hands it to next, if that
// is not nil.
func emitting(p log.LoggerProvider, version string, next func(context.Context, journal.Published)) func(context.Context, journal.Published) {
	logger := p.Logger(scopeName, log.WithInstrumentationVersion(version))
	return func(ctx context.Context, c journal.Published) {
		logger.Emit(ctx, checkpointRecord(c))
		if next != nil {
			next(ctx, c)
		}
	}
}

// checkpointRecord is a checkpoint as a log record.
func checkpointRecord(c journal.Published) (r log.Record) {
	r.SetEventName(checkpointlog.EventName)
	r.SetTimestamp(c.Time)
	r.SetSeverity(checkpointlog.Severity)
	r.SetSeverityText(checkpointlog.SeverityText)
	r.SetBody(attribute.StringValue(string(c.Note)))
	r.AddAttributes(
		attribute.String(checkpointlog.RecordID, checkpointlog.ID(c.Note)),
		attribute.String(checkpointlog.StreamID, c.Chain.String()),
		attribute.Int64(checkpointlog.Number, int64(c.Size)),
		attribute.String(checkpointlog.Value, c.Root.String()),
		attribute.String(checkpointlog.Algorithm, checkpointlog.RFC6962),
	)
	return r
}
