// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// openLocked does under the lock what Open does.
func (j *Journal) openLocked(ctx context.Context) (err error) {
	if err := j.lock.lock(ctx, j.opts.LockTimeout); err != nil {
		return err
	}
	defer func() {
		if j.c.file != nil {
			err = errors.Join(err, j.c.file.Unlock())
		}
		err = errors.Join(err, j.lock.unlock())
	}()
	if j.opts.NewChain != "" {
		return j.beginAnew(ctx)
	}
	if err := j.attachImported(ctx); err != nil {
		return err
	}
	if err := j.openTree(); err != nil {
		return err
	}
	if err := j.settleKey(ctx); err != nil {
		return err
	}
	if j.opts.Restored != "" {
		if err := j.sealRestored(ctx); err != nil {
			return err
		}
		j.completeAtOpening(ctx)
		return j.c.stale
	}
	j.completeAtOpening(ctx)
	if err := j.c.stale; err != nil {
		return err
	}
	if policy := j.opts.Rotation.policy(); policy != nil && !allows(j.c.charter.retention, j.opts.Rotation) {
		j.report(fmt.Errorf("%q: its chain was begun with a policy that removes less; what is removed now is sealed, and `auditchain verify` calls the chain partly proven from then on", j.path))
	}
	j.prune()
	return j.c.stale
}

// begin begins a chain in a new file. A crash before the watermark leaves a
// file with nothing acknowledged in it, which withoutHead begins anew.
func (j *Journal) begin(ctx context.Context, follows *integrity.Follows) error {
	file, err := j.fs.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return j.raced()
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.c.file = file
	if err := lockFile(ctx, file, j.path, true, j.opts.LockTimeout); err != nil {
		return err
	}
	// Somebody who got past a removed lock file may have been faster.
	if info, err := file.Stat(); err != nil || info.Size() > 0 {
		return errors.Join(err, j.raced())
	}
	return j.genesis(follows)
}

func (j *Journal) raced() error {
	return fmt.Errorf("%w: another process began %q at the same moment; try again", ErrLocked, j.path)
}

func (j *Journal) genesis(follows *integrity.Follows) error {
	c := &j.c
	now := j.opts.Now()
	if c.state.Bound() {
		return j.boundElsewhere(c.state, "there is none here")
	}
	j.chain = integrity.ChainID(uuid.New())
	c.sealer = integrity.NewSealer(c.key, j.chain)
	c.tail = integrity.Position{First: 1}
	c.charter, c.learned, c.began = j.charter(), true, now
	if err := j.openSides(nil, integrity.Head{}); err != nil {
		return err
	}
	if err := j.clearHead(); err != nil {
		return err
	}
	c.ids.whole = true
	at := c.begin()
	g := integrity.NewGenesis(j.chain, c.key, now)
	g.Retention, g.Follows = c.charter.retention, follows
	g.CheckpointKey, g.ErasureKey = c.charter.checkpointKey, c.charter.erasureKey
	g.Imported = j.opts.Imported
	c.firstLeaf, c.firstSeq = j.sealControl(&at, g), 1
	j.sealOpened(&at, "")
	// Bytes and name of the file are durable before there is a watermark, and
	// the watermark before anything is acknowledged: one that a crash could
	// take back whole would look like one that was taken away.
	if _, err := c.file.WriteAt(c.buf, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	if err := c.file.Sync(); err != nil {
		return fmt.Errorf("sync %q: %w", j.path, err)
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	c.tail, c.firm = at, at
	c.ids.store()
	j.settleTree()
	if err := j.settle(); err != nil {
		return err
	}
	return j.bind(integrity.Position{})
}

// bind makes a forward-secure key that of the chain: of one that was just
// begun, or of one that it belongs to and whose first writer was interrupted.
// at is a durable place in the key's epoch.
func (j *Journal) bind(at integrity.Position) error {
	c := &j.c
	if j.opts.Keys == nil || !c.key.Forward() {
		return nil
	}
	c.state = integrity.KeyState{Key: c.key, Chain: j.chain, Position: at, Since: j.opts.Now()}
	c.unsaved, c.failed = true, true
	if err := j.opts.Keys.Save(c.state); err != nil {
		return unkept(err)
	}
	c.unsaved, c.failed = false, false
	return nil
}

// clearHead empties what an opening that failed left in the watermark's file:
// pieces of it and of what comes must not mix.
func (j *Journal) clearHead() error {
	f := j.c.head.file
	info, err := f.Stat()
	if err == nil && info.Size() > 0 {
		if err = f.Truncate(0); err == nil {
			err = f.Sync()
		}
	}
	if err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	return nil
}

// settle makes the watermark durable, and marks the lock, after which a
// journal without a watermark is no longer taken for one that was never begun.
func (j *Journal) settle() error {
	c := &j.c
	// Two, so that half a sector that a crash tears leaves the other one.
	for range 2 {
		if err := c.head.write(j.chain, c.tail, j.opts.Now()); err != nil {
			return err
		}
	}
	if err := c.head.file.Sync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	return j.lock.mark()
}

// openSides opens the watermark and the ids of the chain.
func (j *Journal) openSides(contents []byte, last integrity.Head) error {
	c := &j.c
	head, err := openHead(j.fs, j.path+headSuffix, c.key, j.chain, contents, last)
	if err != nil {
		return err
	}
	ids, err := openIDs(j.fs, j.path+idsSuffix)
	if err != nil {
		return errors.Join(err, head.file.Close())
	}
	if c.head != nil {
		_ = c.head.file.Close()
	}
	if c.ids != nil {
		_ = c.ids.close()
	}
	head.settled = &j.settled
	j.settled.Store(last.First)
	c.head, c.ids = head, ids
	return nil
}

// announce seals that this writer opened the journal.
func (j *Journal) announce(ctx context.Context, watermark string) error {
	at := j.c.begin()
	j.sealOpened(&at, watermark)
	return j.persist(ctx, at, true)
}

func (j *Journal) sealOpened(at *integrity.Position, watermark string) {
	j.sealControl(at, integrity.Opened{
		Control: integrity.ControlOpened, Time: j.now(), Writer: j.writer.String(),
		Host: hostname(), PID: os.Getpid(), Version: j.opts.Version, Fsync: j.opts.Fsync.String(),
		Watermark: watermark,
	})
}
