// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
	"github.com/auditchain/auditchain/internal/vfs"
)

// chainExporter seals what it is given. All but start and shutdown may be
// called concurrently.
//
// Several exporters may name one path, in one Collector or in several: each
// opens the journal for itself, and the journal's lock lets them take turns.
type chainExporter struct {
	cfg       *Config
	logger    *zap.Logger
	version   string
	telemetry *telemetry
	fs        vfs.FS // nil is the operating system; tests inject faults

	// Set by start and not changed after.
	host    component.Host
	journal sealer
	encoder *pdatapayload.Encoder

	reports  *reports
	receipts sync.Pool    // of *[]journal.Receipt
	health   atomic.Int32 // what health checks were told
}

// sealer is what is used of journal.Journal.
type sealer interface {
	Append(ctx context.Context, recs []journal.Record, receipts []journal.Receipt) error
	AppendFrom(ctx context.Context, n int, next func() []journal.Record, receipts []journal.Receipt) error
	Close() error
}

func newChainExporter(set exporter.Settings, cfg *Config) (*chainExporter, error) {
	t, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	return &chainExporter{
		cfg:       cfg,
		logger:    set.Logger,
		version:   set.BuildInfo.Version,
		telemetry: t,
		reports:   &reports{logger: set.Logger, telemetry: t},
		receipts:  sync.Pool{New: func() any { return new([]journal.Receipt) }},
	}, nil
}

func (e *chainExporter) start(ctx context.Context, host component.Host) error {
	redactor, err := e.cfg.Redaction.Redactor()
	if err != nil {
		return err
	}
	opts, key, err := e.options()
	if err != nil {
		return err
	}
	j, err := journal.Open(ctx, e.cfg.Path, opts)
	if err != nil {
		return err
	}
	e.host = host
	e.encoder = pdatapayload.New(pdatapayload.Options{Redactor: redactor, MaxRecordBytes: journal.MaxRecordBytes})
	e.journal = j
	e.telemetry.start(ctx)
	e.logger.Info("journal is open", zap.String("path", e.cfg.Path), zap.Stringer("chain", j.Chain()),
		zap.String("key_id", key.ID()), zap.String("key_mode", key.Mode()), zap.String("fsync", e.cfg.Fsync),
		zap.String("checkpoint_key", opts.Checkpoint.Signer.Public().Base64()))
	return nil
}

// options reads the keys that the configuration names.
func (e *chainExporter) options() (journal.Options, integrity.Key, error) {
	o := journal.Options{
		LockTimeout: e.cfg.LockTimeout,
		Rotation:    e.cfg.Rotation.rotation(),
		Epoch:       e.cfg.Epoch.epoch(),
		Report:      e.reports.add,
		Version:     e.version,
		FS:          e.fs,
	}
	source := e.cfg.Key.Source()
	key, store, err := keyfile.OpenKeys(source)
	if err != nil {
		return o, key, fmt.Errorf("key: %w", err)
	}
	if e.cfg.Epoch.written && !key.Forward() {
		return o, key, fmt.Errorf("epoch: key %s is static and has no epochs; leave the block out", key.ID())
	}
	if store != nil {
		o.Keys = &countedKeys{KeyStore: store, telemetry: e.telemetry, epoch: key.Epoch()}
	} else {
		o.Key = key
	}
	if o.Checkpoint, err = e.cfg.Checkpoint.checkpoints(source, e.telemetry); err != nil {
		return o, key, err
	}
	if o.ErasureKey, err = e.cfg.ErasureKey.Load(integrity.KindErasure); err != nil {
		return o, key, fmt.Errorf("erasure_public_key: %w", err)
	}
	if o.Fsync, err = journal.ParseFsync(e.cfg.Fsync); err != nil {
		return o, key, err
	}
	return o, key, nil
}

// shutdown closes the journal, after batches under way. A helper that was
// never started is shut down too.
func (e *chainExporter) shutdown(context.Context) error {
	e.telemetry.builder.Shutdown()
	if e.journal == nil {
		return nil
	}
	return e.journal.Close()
}

var errNotStarted = errors.New("audit_chain is not started")

// consumeLogs seals the records of ld and returns once they are as durable as
// fsync says. It does not change ld, which other exporters read at the same
// time, and keeps nothing of it.
func (e *chainExporter) consumeLogs(ctx context.Context, ld plog.Logs) error {
	if e.journal == nil {
		return errNotStarted
	}
	// The first records are sealed while the last are encoded. Release waits
	// for those who encode: nothing of ld is kept.
	enc := e.encoder.Start(ld)
	defer enc.Release()
	n := enc.Len()
	if n == 0 {
		return nil
	}
	pooled := e.receipts.Get().(*[]journal.Receipt)
	defer e.receipts.Put(pooled)
	if cap(*pooled) < n {
		*pooled = make([]journal.Receipt, n)
	}
	receipts := (*pooled)[:n] // Append sets each of them

	start := time.Now()
	err := e.journal.AppendFrom(ctx, n, enc.Next, receipts)
	if err == nil {
		err = e.sealRejections(ctx, enc, receipts)
	}
	e.telemetry.commit(ctx, time.Since(start))
	if err != nil {
		return e.failed(ctx, err)
	}
	e.well()
	e.telemetry.sealed(ctx, enc, receipts)
	return nil
}

// loggedIDs is how many refused records of one batch are named in the log.
const loggedIDs = 16

// sealRejections seals an audit.rejected record for every record that the
// journal refused. The others of the batch are sealed already; if this fails,
// the client sends all of them again, and those with an id of their own are
// recognised.
func (e *chainExporter) sealRejections(ctx context.Context, enc *pdatapayload.Result, receipts []journal.Receipt) error {
	var (
		recs []journal.Record
		ids  []string
	)
	for i := range receipts {
		if receipts[i].Err == nil {
			continue
		}
		why, ok := reasonFor(receipts[i].Err)
		if !ok {
			// Not for what it holds: it could not be looked up, say.
			return fmt.Errorf("record %s: %w", enc.Records[i].ID, receipts[i].Err)
		}
		recs = append(recs, enc.Rejection(i, why))
		if len(ids) < loggedIDs {
			ids = append(ids, enc.Records[i].ID.String())
		}
	}
	if recs == nil {
		return nil
	}
	e.logger.Warn("records were refused; an audit.rejected record is sealed in the place of each",
		zap.Int("refused", len(recs)), zap.Strings("record_ids", ids))
	rejected := make([]journal.Receipt, len(recs))
	if err := e.journal.Append(ctx, recs, rejected); err != nil {
		return err
	}
	for i := range rejected {
		if err := rejected[i].Err; err != nil {
			return fmt.Errorf("an audit.rejected record was refused: %w", err)
		}
	}
	return nil
}

// reasonFor says why a record was refused, when that lies in the record.
func reasonFor(err error) (pdatapayload.Reason, bool) {
	switch {
	case errors.Is(err, journal.ErrConflict):
		return pdatapayload.IDConflict, true
	case errors.Is(err, journal.ErrErased):
		return pdatapayload.Erased, true
	case errors.Is(err, journal.ErrTooLarge):
		return pdatapayload.TooLarge, true
	}
	return "", false
}

// stopping are the errors after which the journal seals nothing more until
// somebody has looked at the files. All others end by themselves: a journal
// looks at the disk anew at each attempt, after a failed fsync too.
var stopping = []error{
	journal.ErrClosed, journal.ErrTruncated, journal.ErrTampered,
	journal.ErrReplaced, journal.ErrWrongKey, journal.ErrUnsafe,
}

// failed counts a failure and says what the client is to do about it.
//
// A permanent error makes the client drop its records. So an error is
// permanent only when it is about these records. When it is about us (a full
// disk, a failed fsync, a file locked by another, another journal in the place
// of this one), the client keeps them and tries again, here or elsewhere.
func (e *chainExporter) failed(ctx context.Context, err error) error {
	if !journal.Retryable(err) {
		e.telemetry.failed(ctx, permanent)
		return consumererror.NewPermanent(err)
	}
	failure := retryable
	for _, s := range stopping {
		if errors.Is(err, s) {
			failure = stopped
		}
	}
	e.telemetry.failed(ctx, failure)
	e.unwell(ctx, err, failure)
	return err
}

// unwell reports to health checks that batches are refused, once for each of
// the two ways. A client that gave up, and a shutdown, are no ill health.
func (e *chainExporter) unwell(ctx context.Context, err error, failure string) {
	if ctx.Err() != nil || errors.Is(err, journal.ErrClosed) {
		return
	}
	if failure == stopped {
		if e.health.Swap(healthStopped) != healthStopped {
			componentstatus.ReportStatus(e.host, componentstatus.NewPermanentErrorEvent(err))
		}
		return
	}
	if e.health.CompareAndSwap(healthy, healthRefusing) {
		componentstatus.ReportStatus(e.host, componentstatus.NewRecoverableErrorEvent(err))
	}
}

// well takes a refusal back after a batch was sealed. A stopped journal stays
// reported until the Collector is restarted.
func (e *chainExporter) well() {
	if e.health.Load() == healthRefusing && e.health.CompareAndSwap(healthRefusing, healthy) {
		componentstatus.ReportStatus(e.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// What health checks were told.
const (
	healthy int32 = iota
	healthRefusing
	healthStopped
)
