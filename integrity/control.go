// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Names of the control records of this version (docs/SPEC.md, section 5).
const (
	ControlGenesis   = "chain.genesis"
	ControlOpened    = "chain.opened"
	ControlClosed    = "chain.closed"
	ControlRecovered = "chain.recovered"
	ControlSegment   = "chain.segment"
	ControlBreak     = "chain.break"
	ControlPruned    = "chain.pruned"
	// ControlEpoch ends the epoch of a forward-secure key, and ControlKey the
	// time of a key: the next line is under the next one.
	ControlEpoch = "chain.epoch"
	ControlKey   = "chain.key"
	// ControlSigner names another key for checkpoints.
	ControlSigner     = "chain.signer"
	ControlCheckpoint = "chain.checkpoint"
	ControlTimestamp  = "chain.timestamp"
	ControlErased     = "chain.erased"
)

// FormatVersion is the version of the format that this package writes.
const FormatVersion = 1

// Genesis is the first record of a chain.
type Genesis struct {
	Control string  `json:"control"`
	Time    string  `json:"time"`
	Format  int     `json:"format"`
	Chain   ChainID `json:"chain_id"`
	Leaf    string  `json:"leaf"`
	MAC     string  `json:"mac"`
	KeyID   string  `json:"key_id"`
	KeyMode string  `json:"key_mode"`
	// Epoch is that of a forward-secure key in which the chain begins.
	Epoch uint64 `json:"epoch,omitempty"`
	// CheckpointKey and ErasureKey are Ed25519 public keys in base64: whose
	// checkpoints count, and who may have records erased. A chain that names
	// no CheckpointKey has no tree; one that names no ErasureKey has no
	// erasures.
	CheckpointKey string `json:"checkpoint_key,omitempty"`
	ErasureKey    string `json:"erasure_key,omitempty"`
	// Imported is the file of the older format that the records which follow
	// were taken from.
	Imported *Imported `json:"imported,omitempty"`
	// Retention is what the chain allows to be removed; nil means nothing.
	Retention *Retention `json:"retention,omitempty"`
	// Follows names the chain whose place this one took, at somebody's word.
	Follows *Follows `json:"follows,omitempty"`
}

// Retention is a policy by which the oldest segments of a chain are removed:
// at least Keep finished segments stay, and those that are younger than
// KeepFor. A member that is zero asks for nothing; a policy of which both are
// zero removes nothing.
type Retention struct {
	Keep int `json:"keep,omitempty"`
	// KeepFor is a duration as time.Duration writes it, "720h0m0s".
	KeepFor string `json:"keep_for,omitempty"`
}

// Follows is the chain that another one replaces.
type Follows struct {
	// Chain, Seq and MAC are where the watermark that was found stood; they
	// are left out where there was none.
	Chain string `json:"chain_id,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`
	MAC   string `json:"hmac,omitempty"`
	// KeptIn is the folder, beside the journal, into which its files were
	// moved.
	KeptIn string `json:"kept_in"`
	// Reason is what the person said who did it.
	Reason string `json:"reason"`
}

// Imported names a file of the older format (docs/SPEC.md, section 9).
type Imported struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 Hash   `json:"sha256"`
	// Lines are all of its lines, Signed those with a tag.
	Lines  int64 `json:"lines"`
	Signed int64 `json:"signed"`
	// LastTag is the tag of its last signed line, left out where there is none.
	LastTag string `json:"last_tag,omitempty"`
	// KeyID is that of the key under which its tags were checked; left out
	// where they were not.
	KeyID string `json:"key_id,omitempty"`
}

// Position is a place in a chain: behind line Seq, which ends at byte Size of
// the segment that begins with line First.
type Position struct {
	First uint64 `json:"first"`
	Seq   uint64 `json:"seq"`
	MAC   Hash   `json:"hmac"`
	Size  int64  `json:"size"`
}

// Segment is the first record of each file of a chain but the first one. It
// says of the chain what the genesis says, because the genesis may have been
// removed by retention.
type Segment struct {
	Control string  `json:"control"`
	Time    string  `json:"time"`
	Writer  string  `json:"writer"`
	Format  int     `json:"format"`
	Chain   ChainID `json:"chain_id"`
	// KeyID, KeyMode and Epoch are those of the key that this line is under.
	KeyID         string `json:"key_id"`
	KeyMode       string `json:"key_mode"`
	Epoch         uint64 `json:"epoch,omitempty"`
	CheckpointKey string `json:"checkpoint_key,omitempty"`
	ErasureKey    string `json:"erasure_key,omitempty"`
	// Reason is why a new file was begun.
	Reason string `json:"reason"`
	// Previous is where the file before ends. Bytes beyond it are no part of
	// the chain: abandoned, after a crash or a failed sync.
	Previous Position `json:"previous"`
	// PreviousLeaf is the leaf of the first line of that file: so the
	// beginnings of all files hold together without a key. It is zero where the
	// writer could not read it.
	PreviousLeaf Hash `json:"previous_leaf"`
	// Tree are the nodes of the tree of all lines before this one (Range.Nodes),
	// where the chain has a tree.
	Tree      []Hash     `json:"tree,omitempty"`
	Retention *Retention `json:"retention,omitempty"`
}

// Why a segment was begun. Behind the end of the file before, nothing can
// stand for the first three.
const (
	SegmentSize    = "size"        // the one before was large enough
	SegmentAge     = "age"         // it was old enough
	SegmentRequest = "request"     // somebody asked for it
	SegmentKey     = "key"         // a key was changed: chain.key or chain.signer is the last line before
	SegmentCrash   = "crash"       // a crash had interrupted the rotation
	SegmentSync    = "sync_failed" // what the disk holds of it is unknown
	SegmentBreak   = "break"       // less was found than there should be; chain.break follows
)

// Break is written, right behind a Segment, by a writer that found less than
// it should, or else than it left.
type Break struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Found   string `json:"found"`
	// KeptIn is the name of the file that stood in the journal's place and
	// could not be taken for its last segment.
	KeptIn string `json:"kept_in,omitempty"`
	// Reason is what the person said who had it written.
	Reason string `json:"reason,omitempty"`
}

// What a Break found.
const (
	// BreakNoWatermark: no valid watermark. The chain goes on behind the last
	// line that holds; more may have stood behind it.
	BreakNoWatermark = "no_watermark"
	// BreakMissing: the file is gone.
	BreakMissing = "missing"
	// BreakReplaced: another file has the journal's name.
	BreakReplaced = "replaced"
	// BreakShorter: the file ends before the watermark.
	BreakShorter = "shorter"
	// BreakAltered: the line at the watermark is not the one that it names.
	BreakAltered = "altered"
	// BreakForeign: behind the last line stood lines that nobody with the key
	// had written.
	BreakForeign = "foreign"
	// BreakRestored: a person says that the files were put back from a
	// backup.
	BreakRestored = "restored"
)

// Pruned is written before the oldest segments of a chain are removed.
type Pruned struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	// Through is where the last segment that is removed ends.
	Through Position `json:"through"`
	// Retention is the policy by which it was done.
	Retention Retention `json:"retention"`
}

// Epoch is the last record under the key of an epoch; what follows is under
// that of the epoch that it names, the next one.
type Epoch struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Epoch   uint64 `json:"epoch"`
}

// KeyChange is the last record under a key; what follows is under another one.
type KeyChange struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	// KeyID, KeyMode and Epoch are those of the incoming key.
	KeyID   string `json:"key_id"`
	KeyMode string `json:"key_mode"`
	Epoch   uint64 `json:"epoch,omitempty"`
	// Proof is made with the incoming key (KeyProof): whoever sealed this
	// record had both.
	Proof Hash `json:"proof"`
}

// SignerChange names another checkpoint key. Both sign it (SignerMessage).
type SignerChange struct {
	Control       string `json:"control"`
	Time          string `json:"time"`
	Writer        string `json:"writer"`
	CheckpointKey string `json:"checkpoint_key"`
	Previous      string `json:"previous_key"`
	// Signature is by the key that goes, NewSignature by the one that comes;
	// in base64.
	Signature    []byte `json:"signature"`
	NewSignature []byte `json:"new_signature"`
}

// Checkpointed holds a checkpoint of the lines before it: its size is the
// sequence number of this line less one.
type Checkpointed struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	// Note is the signed note.
	Note string `json:"note"`
	// Closing says that a writer closed the chain just before.
	Closing bool `json:"closing,omitempty"`
}

// Timestamped holds a time stamp of a checkpoint.
type Timestamped struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	// Size is that of the checkpoint, and Note the SHA-256 of its note, which
	// is what the token is about.
	Size uint64 `json:"size"`
	Note Hash   `json:"note_sha256"`
	// Token is the DER of an RFC 3161 TimeStampToken, in base64.
	Token []byte `json:"token"`
}

// Erased allows that the payload of a line is replaced by a tombstone.
type Erased struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	// Line and Leaf are the sequence number and the leaf of the line.
	Line uint64 `json:"erased_seq"`
	Leaf Hash   `json:"leaf"`
	// Who, Reason and Ordered (when) are what the person signed who holds the
	// erasure key (ErasureMessage).
	Who       string `json:"who"`
	Reason    string `json:"reason"`
	Ordered   string `json:"ordered"`
	Signature []byte `json:"signature"`
}

// NewGenesis returns the genesis of a chain under key k.
func NewGenesis(id ChainID, k Key, now time.Time) Genesis {
	return Genesis{
		Control: ControlGenesis, Time: FormatTime(now), Format: FormatVersion, Chain: id,
		Leaf: "sha256", MAC: "hmac-sha256", KeyID: k.ID(), KeyMode: k.Mode(), Epoch: k.epoch,
	}
}

// Opened is written when a writer starts.
type Opened struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Fsync   string `json:"fsync"`
	// Watermark says what was wrong with the watermark that the writer
	// found; it is left out when nothing was.
	Watermark string `json:"watermark,omitempty"`
}

// What Opened says of a watermark.
const (
	// WatermarkDegraded: the two slots were not two successive watermarks.
	// What they named last may be missing before this record.
	WatermarkDegraded = "degraded"
	// WatermarkRemoved: the file was removed or replaced under a running
	// writer, which made it anew from what it knew. What other writers had
	// sealed since may be missing before this record.
	WatermarkRemoved = "removed"
)

// Closed is written when a writer stops cleanly.
type Closed struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Records uint64 `json:"records"`
}

// Recovered is written after bytes that a crash left were set aside.
type Recovered struct {
	Control string `json:"control"`
	Time    string `json:"time"`
	Writer  string `json:"writer"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
	KeptIn  string `json:"kept_in"`
}

// MarshalText writes the id as String does.
func (c ChainID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (c *ChainID) UnmarshalText(text []byte) error {
	id, err := ParseChainID(string(text))
	*c = id
	return err
}

// FormatTime writes a time as journals hold it.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeFormat) }

// ControlPayload returns the payload of a control record: one of the structs
// of this file as JSON, without the closing brace.
func ControlPayload(record any) []byte {
	b, err := json.Marshal(record)
	if err != nil || !bytes.HasPrefix(b, []byte(controlStart)) {
		panic(fmt.Sprintf("integrity: %T is no control record", record))
	}
	return b[:len(b)-1]
}

// ParseControl reads the payload of a control record into one of the structs
// of this file. Members that this version does not know are passed over.
func ParseControl(payload []byte, record any) error {
	b := append(bytes.Clone(payload), '}')
	if err := json.Unmarshal(b, record); err != nil {
		// The error of encoding/json may quote what it read.
		return fmt.Errorf("control record is not the JSON that it should be (%T)", record)
	}
	return nil
}

// ParseGenesis reads the genesis of a chain.
func ParseGenesis(l Line) (Genesis, error) {
	var g Genesis
	if l.ControlName() != ControlGenesis {
		return g, fmt.Errorf("a chain begins with %s, this one with a %s", ControlGenesis, l.Kind)
	}
	if err := ParseControl(l.Payload, &g); err != nil {
		return g, err
	}
	return g, nil
}
