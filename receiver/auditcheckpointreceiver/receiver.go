// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/checkpointlog"
)

// scopeName is the scope of the records.
const scopeName = "github.com/auditchain/auditchain/receiver/auditcheckpointreceiver"

// maxBackoff is the longest wait before checkpoints are sent again.
const maxBackoff = 30 * time.Second

// remembered is how many notes are known by sight when a file comes again.
const remembered = 4096

// checkpointReceiver passes on the notes of one file. All but Start and
// Shutdown run on one goroutine.
type checkpointReceiver struct {
	cfg       *Config
	next      consumer.Logs
	logger    *zap.Logger
	version   string
	telemetry *telemetry
	obs       *receiverhelper.ObsReport
	now       func() time.Time

	keys []integrity.PublicKey // set by Start
	tail tail
	// pending was found and is not passed on yet: it is kept, because the file
	// may be replaced meanwhile.
	pending *found
	sent    recent
	said    string // the error that was logged last

	stop context.CancelFunc // nil before Start
	done sync.WaitGroup
}

var _ receiver.Logs = (*checkpointReceiver)(nil)

func newCheckpointReceiver(set receiver.Settings, cfg *Config, next consumer.Logs) (*checkpointReceiver, error) {
	t, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "file", LongLivedCtx: true, ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	return &checkpointReceiver{
		cfg: cfg, next: next, logger: set.Logger, version: set.BuildInfo.Version, telemetry: t, obs: obs, now: time.Now,
		tail: tail{path: cfg.Path + checkpointsSuffix},
	}, nil
}

// Start reads the public keys and begins to follow the file, which need not be
// there yet.
func (r *checkpointReceiver) Start(ctx context.Context, _ component.Host) error {
	for i, c := range r.cfg.PublicKeys {
		k, err := c.Load(integrity.KindCheckpoint)
		if err != nil {
			return fmt.Errorf("public_keys[%d]: %w", i, err)
		}
		r.keys = append(r.keys, k)
	}
	r.telemetry.start(ctx)
	// Not the context of Start, which ends with it.
	follow, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.done.Go(func() { r.follow(follow) })
	return nil
}

// Shutdown waits for a batch under way. What was not taken by then is sent
// when the receiver is started again, if it is the newest.
func (r *checkpointReceiver) Shutdown(context.Context) error {
	if r.stop != nil {
		r.stop()
	}
	r.done.Wait()
	r.telemetry.builder.Shutdown()
	return nil
}

func (r *checkpointReceiver) follow(ctx context.Context) {
	begun := r.cfg.StartAt == startAtBeginning
	wait := time.Duration(0)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		var err error
		more := false
		if !begun {
			err = r.tail.newest()
			begun = err == nil
		}
		if err == nil {
			more, err = r.round(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return // an error of this end is none
		case err != nil:
			r.complain(err)
			wait = min(max(2*wait, r.cfg.PollInterval), max(maxBackoff, r.cfg.PollInterval))
		case more:
			r.said, wait = "", 0
		default:
			r.said, wait = "", r.cfg.PollInterval
		}
		timer.Reset(wait)
	}
}

// complain logs an error, once as long as it stays the same.
func (r *checkpointReceiver) complain(err error) {
	if text := err.Error(); text != r.said {
		r.said = text
		r.logger.Warn("checkpoints wait to be passed on; they are sent again", zap.String("path", r.tail.path), zap.Error(err))
	}
}

// round reads once and passes on what came. more says that there is more to
// read at once.
func (r *checkpointReceiver) round(ctx context.Context) (more bool, err error) {
	if r.pending == nil {
		f, err := r.tail.look()
		if err != nil {
			return false, err
		}
		if f.replaced {
			r.logger.Warn("the file of checkpoints is not the one that it was; it is read anew", zap.String("path", r.tail.path))
		}
		f.read = pcommon.NewTimestampFromTime(r.now())
		r.pending = &f
	}
	f := r.pending
	logs, notes, size, bad := r.records(f)
	if len(notes) > 0 {
		err = r.send(ctx, logs, len(notes))
		if err != nil && !consumererror.IsPermanent(err) {
			r.telemetry.retry(ctx)
			return false, err
		}
	}
	r.tail, r.pending = f.next, nil
	r.drop(ctx, malformed, bad.malformed, nil)
	r.drop(ctx, unverified, bad.unverified, bad.err)
	if err != nil {
		r.drop(ctx, refused, len(notes), err)
	} else if len(notes) > 0 {
		r.telemetry.passed(ctx, size)
	}
	for _, n := range notes {
		r.sent.add(n)
	}
	return f.more, nil
}

// send gives a batch to the pipeline.
func (r *checkpointReceiver) send(ctx context.Context, logs plog.Logs, n int) error {
	ctx = r.obs.StartLogsOp(ctx)
	err := r.next.ConsumeLogs(ctx, logs)
	r.obs.EndLogsOp(ctx, "signed_note", n, err)
	return err
}

// drop counts and logs checkpoints that are not passed on.
func (r *checkpointReceiver) drop(ctx context.Context, reason string, n int, err error) {
	if n == 0 {
		return
	}
	r.telemetry.dropped(ctx, reason, n)
	r.logger.Error("checkpoints are not passed on", zap.String("path", r.tail.path), zap.String("reason", reason), zap.Int("checkpoints", n), zap.Error(err))
}

// bad is what of a look is not passed on.
type bad struct {
	malformed, unverified int
	err                   error // the first of those that are not verified
}

// records makes log records of the notes that were found, all but those that
// were passed on before: a file that was replaced is read from its beginning.
func (r *checkpointReceiver) records(f *found) (logs plog.Logs, notes []digest, size uint64, b bad) {
	logs = plog.NewLogs()
	scope := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	scope.Scope().SetName(scopeName)
	scope.Scope().SetVersion(r.version)
	b.malformed = f.malformed
	for _, note := range f.notes {
		d := digest(sha256.Sum256(note))
		if r.sent.known[d] {
			continue
		}
		c, err := integrity.ParseCheckpoint(note)
		if err != nil || c.Size > math.MaxInt64 {
			b.malformed++
			continue
		}
		if err := r.verify(note); err != nil {
			b.unverified++
			if b.err == nil {
				b.err = fmt.Errorf("checkpoint of %d lines of chain %s: %w", c.Size, c.Chain, err)
			}
			continue
		}
		fill(scope.LogRecords().AppendEmpty(), c, note, f.read)
		notes, size = append(notes, d), c.Size
	}
	return logs, notes, size, b
}

// verify reports whether one of the public keys signed the note.
func (r *checkpointReceiver) verify(note []byte) error {
	var errs []error
	for _, k := range r.keys {
		_, err := integrity.OpenCheckpoint(note, k)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// fill makes the record of a checkpoint. A note does not say when it was
// made: the record says when it was read, and no more.
func fill(lr plog.LogRecord, c integrity.Checkpoint, note []byte, read pcommon.Timestamp) {
	lr.SetEventName(checkpointlog.EventName)
	lr.SetObservedTimestamp(read)
	lr.SetSeverityNumber(plog.SeverityNumber(checkpointlog.Severity))
	lr.SetSeverityText(checkpointlog.SeverityText)
	lr.Body().SetStr(string(note))
	a := lr.Attributes()
	a.PutStr(checkpointlog.RecordID, checkpointlog.ID(note))
	a.PutStr(checkpointlog.StreamID, c.Chain.String())
	a.PutInt(checkpointlog.Number, int64(c.Size))
	a.PutStr(checkpointlog.Value, c.Root.String())
	a.PutStr(checkpointlog.Algorithm, checkpointlog.RFC6962)
}

type digest [sha256.Size]byte

// recent knows the notes that were passed on last. The zero value knows none.
type recent struct {
	known map[digest]bool
	ring  []digest
	next  int
}

func (r *recent) add(d digest) {
	if r.known[d] {
		return
	}
	if r.known == nil {
		r.known = map[digest]bool{}
	}
	if len(r.ring) < remembered {
		r.ring = append(r.ring, d)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = d
		r.next = (r.next + 1) % remembered
	}
	r.known[d] = true
}
