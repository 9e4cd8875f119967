// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// DefaultLockTimeout is how long an Append waits for the lock.
const DefaultLockTimeout = 10 * time.Second

// Options configures Open.
type Options struct {
	// Key is the key of the chain, where it is static. There is no default.
	Key integrity.Key
	// Keys keeps the key where it can be replaced: a forward-secure key needs
	// it. Where it is set, Key is not.
	Keys KeyStore
	// Epoch says when a forward-secure key steps; the zero value is
	// DefaultEpoch.
	Epoch Epoch
	// Checkpoint says who signs checkpoints of the chain, and when; the zero
	// value makes none.
	Checkpoint Checkpoint
	// ErasureKey is named by the genesis of a chain that this opening begins:
	// whoever holds its private key may have records erased. The zero value
	// is that nobody may.
	ErasureKey integrity.PublicKey
	// Imported names the file of the older format whose records are written
	// now: the genesis of a chain that this opening begins says so, and a
	// chain that was not begun for this very file is refused (ErrImported).
	Imported *integrity.Imported
	// Fsync says when an acknowledged record is durable; the zero value is
	// FsyncAlways.
	Fsync FsyncMode
	// LockTimeout bounds the wait for other processes; 0 means
	// DefaultLockTimeout.
	LockTimeout time.Duration
	// Rotation says when a new file is begun, and what becomes of the
	// finished ones; the zero value keeps everything in one file.
	Rotation Rotation
	// Report gets what went wrong with work that no Append waits for
	// (compressing a finished segment, removing one); nil ignores it. It is
	// called from any goroutine, and must not wait for the journal.
	Report func(error)
	// NewChain begins a new chain in the place of the one that is there, whose
	// files are moved into a folder beside the journal. It is the reason,
	// which the genesis says. Only a person may decide on it. A forward-secure
	// key that is bound to a chain, or has stepped, is refused for it: a new
	// chain needs a key of its own.
	NewChain string
	// NewKey is the key of the new chain, where Keys holds that of the old one,
	// whose place it takes. The zero Key is that the key which Keys (or Key)
	// holds is the new chain's. It must be kept elsewhere, too, until Open has
	// succeeded: after a crash, the same is done again.
	NewKey integrity.Key
	// Restored seals that the files were put back from a backup: a chain.break,
	// which says for ever that what came after the backup is missing. It is
	// what the person says who did it.
	Restored string
	// Version of the program, for chain.opened.
	Version string
	// FS is the file system; nil means the operating system's. It is a seam
	// for tests.
	FS vfs.FS
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// KeyStore keeps the state of a key: a file, as a rule. Its methods are called
// under the lock of the journal, which works on copies of what they return, and
// wipes those. A store should keep no copy in memory.
type KeyStore interface {
	// Load returns the state that is kept.
	Load() (integrity.KeyState, error)
	// Save replaces it, durably and at once: after a crash, either the one
	// before is there or this one. What was there before must not be there any
	// more; but one of another id, whose time is over, is kept beside it.
	Save(integrity.KeyState) error
	// Find returns the state of the key with an id that may not be the one that
	// Load returned: one that `auditchain key rotate` put beside it before a
	// crash, or put in its place meanwhile. It changes nothing: Save puts the key
	// in its place once the watermark is under it. The error is ErrWrongKey where
	// there is none.
	Find(id string) (integrity.KeyState, error)
}

// Epoch says when a forward-secure key steps to its next epoch: when the first
// of the two is reached, if anything was sealed in it.
type Epoch struct {
	// Every is the time that an epoch lasts at most; Records how many lines
	// it has at most, give or take a commit. Negative: no limit.
	Every   time.Duration
	Records int64
}

// DefaultEpoch is a compromise: whoever takes over the host can rewrite what
// was sealed in the last quarter of an hour, and a step costs a few syncs.
var DefaultEpoch = Epoch{Every: 15 * time.Minute, Records: 1_000_000}

// Checkpoint says who signs checkpoints of the chain, and when.
type Checkpoint struct {
	// Signer is the key for checkpoints. A chain that is begun without one has
	// none ever.
	Signer integrity.SigningKey
	// Records is how many lines follow a checkpoint at most, give or take a
	// commit, before the next one; Every how much time passes, also when
	// nothing is written, so that silence shows. 0 means DefaultCheckpoint's;
	// negative: no limit. One is made on Close in any case.
	Records int64
	Every   time.Duration
	// Publish gets each checkpoint when it is durable, in order, from a
	// goroutine of its own; nil does nothing. One that is not durable before
	// the next one is made (with an fsync mode that is not "always") is passed
	// over, and so is the oldest where too many wait, which Report is told:
	// the later one covers what it covered. ctx ends when the journal is
	// closed and PublishTimeout has passed.
	Publish func(ctx context.Context, c Published)
	// Timestamp gets an RFC 3161 time stamp of what is given, a signed note;
	// nil gets none. It is called from a goroutine of its own, and its token
	// is sealed when it comes. Errors go to Report, and nothing waits for it.
	Timestamp func(ctx context.Context, note []byte) (token []byte, err error)
}

// DefaultCheckpoint is what a Checkpoint does where its fields are 0.
var DefaultCheckpoint = Checkpoint{Records: 10_000, Every: time.Minute}

func (c *Checkpoint) fill() error {
	if !c.Signer.IsZero() && c.Signer.Kind() != integrity.KindCheckpoint {
		return fmt.Errorf("%w: checkpoints are not signed with a key for %s", integrity.ErrKeyKind, c.Signer.Kind())
	}
	if c.Records == 0 {
		c.Records = DefaultCheckpoint.Records
	}
	if c.Every == 0 {
		c.Every = DefaultCheckpoint.Every
	}
	return nil
}

// Published is a checkpoint of the chain.
type Published struct {
	integrity.Checkpoint
	// Seq is that of the line that holds it, Note the signed note, Time when
	// it was made.
	Seq  uint64
	Note []byte
	Time time.Time
}

// Rotation says when a new file is begun, and what becomes of finished ones.
type Rotation struct {
	// MaxSize, in bytes: a file that would grow beyond it is finished first.
	// Records are never split, nor are those of one Append; a file can be
	// larger by one of them. 0 means no limit.
	MaxSize int64
	// MaxAge: a file that was begun longer ago is finished. 0 means no limit.
	MaxAge time.Duration
	// Compress writes finished files anew as zstd.
	Compress bool
	// Keep is how many finished files stay; older ones are removed, after
	// that was sealed. 0 keeps all of them.
	Keep int
	// KeepFor removes finished files whose last record is older. With Keep
	// too, a file goes only when both allow it. 0 keeps all of them.
	KeepFor time.Duration
}

// policy is what a genesis says of r; nil where nothing is ever removed.
func (r Rotation) policy() *integrity.Retention {
	if r.Keep == 0 && r.KeepFor == 0 {
		return nil
	}
	p := &integrity.Retention{Keep: r.Keep}
	if r.KeepFor > 0 {
		p.KeepFor = r.KeepFor.String()
	}
	return p
}

func (r Rotation) check() error {
	if r.MaxSize < 0 || r.MaxAge < 0 || r.Keep < 0 || r.KeepFor < 0 {
		return errors.New("rotation: max size, max age, keep and keep for are not negative")
	}
	if (r.Keep > 0 || r.KeepFor > 0) && r.MaxSize == 0 && r.MaxAge == 0 {
		return errors.New("rotation: keep and keep for are about finished files, and there are none without a max size or a max age")
	}
	return nil
}

// FsyncMode says when the file is synced to disk.
type FsyncMode struct {
	every time.Duration // 0: before each acknowledgement; <0: never
}

var (
	// FsyncAlways syncs before each acknowledgement: a record that was
	// acknowledged outlives a power loss.
	FsyncAlways = FsyncMode{}
	// FsyncNever leaves it to the operating system: a record that was
	// acknowledged outlives the process, and not a power loss: after that,
	// records may be missing, and `verify` may call the journal truncated, or
	// tampered, or nothing of it.
	FsyncNever = FsyncMode{every: -1}
)

// FsyncEvery syncs every d: a power loss takes at most the last d, with what
// FsyncNever says.
func FsyncEvery(d time.Duration) FsyncMode {
	if d <= 0 {
		return FsyncAlways
	}
	return FsyncMode{every: d}
}

// String returns what ParseFsync reads.
func (m FsyncMode) String() string {
	switch {
	case m.every == 0:
		return "always"
	case m.every < 0:
		return "never"
	}
	return m.every.String()
}

// ParseFsync reads "always", "never" or an interval such as "1s", of at least
// a millisecond.
func ParseFsync(s string) (FsyncMode, error) {
	switch s {
	case "always", "":
		return FsyncAlways, nil
	case "never":
		return FsyncNever, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond {
		return FsyncMode{}, fmt.Errorf(`fsync %q is not "always", "never" or an interval of at least a millisecond such as "1s"`, s)
	}
	return FsyncEvery(d), nil
}

var errForwardAlone = errors.New("a forward-secure key must be kept where it can be replaced, because it steps: give its file (--key-file, `key: {file: …}`), and not an environment variable or a credential; or use a static key")

func (o *Options) fill() error {
	switch {
	case o.Keys != nil && !o.Key.IsZero():
		return errors.New("journal options: a key and a store of keys exclude each other")
	case o.Keys != nil:
		// It is read under the lock.
	case o.Key.IsZero():
		return errors.New("journal needs a key; `auditchain key new FILE` makes one")
	case o.Key.VerifyOnly():
		return fmt.Errorf("journal options: %w", integrity.ErrVerifyOnly)
	case o.Key.Forward():
		return errForwardAlone
	}
	if o.Epoch.Every == 0 {
		o.Epoch.Every = DefaultEpoch.Every
	}
	if o.Epoch.Records == 0 {
		o.Epoch.Records = DefaultEpoch.Records
	}
	if o.LockTimeout < 0 {
		return errors.New("lock timeout is negative")
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if err := o.Rotation.check(); err != nil {
		return err
	}
	if err := o.Checkpoint.fill(); err != nil {
		return err
	}
	if o.NewChain != "" && o.Restored != "" {
		return errors.New("a new chain and a restored one exclude each other")
	}
	switch k := o.NewKey; {
	case k.IsZero():
	case o.NewChain == "" || o.Keys == nil:
		return errors.New("a new key is for a new chain, and for a store that holds the one before")
	case k.VerifyOnly():
		return fmt.Errorf("new key: %w", integrity.ErrVerifyOnly)
	case k.Epoch() > 0:
		return fmt.Errorf("%w: the new key %s has stepped to epoch %d, and a chain that begins with it could never be proven but partly", ErrWrongKey, k.ID(), k.Epoch())
	}
	if o.FS == nil {
		o.FS = vfs.OS
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}
