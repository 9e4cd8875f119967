// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Why a proof is refused. A checkpoint that does not hold is refused with
// ErrCheckpointKey or ErrCheckpointSignature.
var (
	// ErrProofForm: this is no proof, or not a whole one.
	ErrProofForm = errors.New("this is no whole proof")
	// ErrProofChain: it is about another chain than the one that was asked
	// for.
	ErrProofChain = errors.New("the proof is about another chain")
	// ErrProofIndex: the line is not among those that the checkpoint is
	// about.
	ErrProofIndex = errors.New("the line is beyond the size of the checkpoint")
	// ErrProofSizes: neither tree is a beginning of the other one.
	ErrProofSizes = errors.New("the sizes of the two checkpoints are not in order")
	// ErrProofPayload: what it says to be the record is none.
	ErrProofPayload = errors.New("the proof holds no record, control record or tombstone")
	// ErrProofRoot: the record and the hashes do not lead to the root that
	// was signed.
	ErrProofRoot = errors.New("the proof does not lead to the root of the checkpoint: the record, its place or a hash was altered")
)

// Proof proves that a line is in the tree of a checkpoint: a C2SP tlog-proof
// (docs/SPEC.md, section 10.5). Who has it has the record.
type Proof struct {
	// Payload is that of the line; it may be a tombstone.
	Payload []byte
	// Index is that of the leaf: the sequence number less one.
	Index uint64
	// Path are the hashes of the inclusion proof, from the leaf up.
	Path []Hash
	// Note is the signed note of the checkpoint.
	Note []byte
}

// Trust is what a proof is checked with.
type Trust struct {
	// Keys are those of the chain's checkpoints: one of them must have signed.
	Keys []PublicKey
	// Chain is the chain that the proof must be about; the zero value is any
	// chain of the keys.
	Chain ChainID
}

const (
	proofStart = "c2sp.org/tlog-proof@v1\n"
	proofExtra = "extra "
	proofIndex = "index "
	// maxPath is the length of the longest path of a tree of 2^64 leaves.
	maxPath = 64
)

// Seq returns the sequence number of the line.
func (p *Proof) Seq() uint64 { return p.Index + 1 }

// KindOf tells the kind of line that a payload is; 0 for none.
func KindOf(payload []byte) Kind { return kindOf(payload) }

// AppendText appends the proof as a file holds it. The error is always nil.
func (p *Proof) AppendText(dst []byte) ([]byte, error) {
	dst = append(dst, proofStart+proofExtra...)
	dst = base64.StdEncoding.AppendEncode(dst, p.Payload)
	dst = append(dst, "\n"+proofIndex...)
	dst = strconv.AppendUint(dst, p.Index, 10)
	dst = append(dst, '\n')
	dst = appendHashLines(dst, p.Path)
	dst = append(dst, '\n')
	return append(dst, p.Note...), nil
}

func appendHashLines(dst []byte, hashes []Hash) []byte {
	for i := range hashes {
		dst = base64.StdEncoding.AppendEncode(dst, hashes[i][:])
		dst = append(dst, '\n')
	}
	return dst
}

// IsProof and IsConsistencyProof report what text begins like.
func IsProof(text []byte) bool            { return bytes.HasPrefix(text, []byte(proofStart)) }
func IsConsistencyProof(text []byte) bool { return bytes.HasPrefix(text, []byte(consistencyStart)) }

// proofError is an ErrProofForm that says what is wrong.
func proofError(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrProofForm, fmt.Errorf(format, args...))
}

// ParseProof reads what AppendText writes, and nothing else: parse then format
// is the identity. It checks nothing of what the proof says.
func ParseProof(text []byte) (*Proof, error) {
	rest, ok := bytes.CutPrefix(text, []byte(proofStart))
	if !ok {
		return nil, proofError("it does not begin with %q", proofStart[:len(proofStart)-1])
	}
	head, note, ok := bytes.Cut(rest, []byte("\n\n"))
	if !ok {
		return nil, proofError("it ends before its checkpoint; it was cut")
	}
	lines := bytes.Split(head, []byte{'\n'})
	if len(lines) < 2 {
		return nil, proofError("the lines extra and index are not there")
	}
	p := &Proof{Note: bytes.Clone(note)}
	extra, ok := bytes.CutPrefix(lines[0], []byte(proofExtra))
	if p.Payload, ok = decode64(extra, ok); !ok {
		return nil, proofError("its second line is not %q and the payload in base64", proofExtra)
	}
	index, ok := bytes.CutPrefix(lines[1], []byte(proofIndex))
	var err error
	if p.Index, err = strconv.ParseUint(string(index), 10, 64); !ok || err != nil || strconv.FormatUint(p.Index, 10) != string(index) {
		return nil, proofError("its third line is not %q and a number", proofIndex)
	}
	if p.Path, err = parseHashLines(lines[2:]); err != nil {
		return nil, err
	}
	if _, err := parseWholeNote(p.Note); err != nil {
		return nil, proofError("its checkpoint: %w", err)
	}
	return p, nil
}

// decode64 decodes the one form that bytes have in base64.
func decode64(text []byte, ok bool) ([]byte, bool) {
	// Decoding passes over line ends.
	if !ok || bytes.ContainsAny(text, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	return b, err == nil
}

func parseHashLines(lines [][]byte) (hashes []Hash, err error) {
	if len(lines) > maxPath {
		return nil, proofError("it has %d hashes, more than any tree needs", len(lines))
	}
	for i, l := range lines {
		b, ok := decode64(l, true)
		if !ok || len(b) != HashSize {
			return nil, proofError("hash %d is not 32 bytes in base64", i+1)
		}
		hashes = append(hashes, Hash(b))
	}
	return hashes, nil
}

// parseWholeNote is ParseCheckpoint that also requires that the signature
// lines are whole.
func parseWholeNote(b []byte) (Checkpoint, error) {
	c, err := ParseCheckpoint(b)
	if err != nil {
		return c, err
	}
	_, sigs, _ := bytes.Cut(b, []byte("\n\n"))
	own, n := false, 0
	for line := range bytes.Lines(sigs) {
		if n++; n > maxSignatures {
			return c, fmt.Errorf("%w: it has more than %d signatures", ErrNotCheckpoint, maxSignatures)
		}
		name, size, ok := readSignature(line)
		if !ok {
			return c, fmt.Errorf("%w: its signatures are not whole; it may be cut", ErrNotCheckpoint)
		}
		own = own || name == Origin(c.Chain) && size == noteSignatureSize
	}
	if !own {
		return c, fmt.Errorf("%w: it has no signature of its chain; it may be cut", ErrNotCheckpoint)
	}
	return c, nil
}

// maxSignatures is what golang.org/x/mod/sumdb/note takes.
const maxSignatures = 100

const (
	signatureStart = "— "
	// noteSignatureSize is the size of a key hash and an Ed25519 signature.
	noteSignatureSize = 4 + ed25519.SignatureSize
)

// readSignature reads a signature line, with its LF, and returns whose it is,
// and its size in bytes.
func readSignature(line []byte) (name string, size int, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(signatureStart))
	rest, lf := bytes.CutSuffix(rest, []byte{'\n'})
	who, text, sp := bytes.Cut(rest, []byte{' '})
	sig, b64 := decode64(text, true)
	return string(who), len(sig), ok && lf && sp && b64 && len(who) > 0 && len(sig) >= 5 && !hasControlByte(who)
}

// ProofCheck is what the check of a proof went through, as far as it came.
type ProofCheck struct {
	// Checkpoint is what the note says, and Key which of the keys signed it.
	Checkpoint Checkpoint
	Key        PublicKey
	// Kind and Leaf are those of the line.
	Kind Kind
	Leaf Hash
	// Steps lead from the leaf to Root.
	Steps []PathStep
	Root  Hash
}

// PathStep is one step up the tree: NodeHash of the sibling and what the step
// before gave, the sibling being the left one of the two or the right one.
type PathStep struct {
	Sibling Hash
	Left    bool
	Hash    Hash
}

// Check checks the proof: everything that it says, with nothing but the keys.
// What it returns says how, and is never nil.
func (p *Proof) Check(t Trust) (*ProofCheck, error) {
	c := &ProofCheck{}
	var err error
	if c.Checkpoint, err = t.checkpoint(p.Note); err != nil {
		return c, err
	}
	if p.Index >= c.Checkpoint.Size {
		return c, fmt.Errorf("%w: line %d, size %d", ErrProofIndex, p.Seq(), c.Checkpoint.Size)
	}
	if c.Kind = kindOf(p.Payload); c.Kind == 0 || hasControlByte(p.Payload) {
		return c, ErrProofPayload
	}
	if c.Kind != Tombstone && !json.Valid(append(bytes.Clone(p.Payload), '}')) {
		return c, fmt.Errorf("%w: it is not whole JSON", ErrProofPayload)
	}
	var h LeafHasher
	c.Leaf = Line{Kind: c.Kind, Payload: p.Payload}.Leaf(&h)
	if c.Steps, c.Root, err = climb(c.Leaf, p.Index, c.Checkpoint.Size, p.Path); err != nil {
		return c, err
	}
	if c.Root != c.Checkpoint.Root {
		return c, ErrProofRoot
	}
	c.Key, err = t.signed(p.Note)
	return c, err
}

// CheckRoot checks all but the signature.
func (p *Proof) CheckRoot() error {
	_, err := p.Check(Trust{})
	if errors.Is(err, errNoTrust) {
		return nil
	}
	return err
}

// climb goes from a leaf to the root (RFC 9162, section 2.1.3.2, which checks
// what RFC 6962, section 2.1.1, defines).
func climb(leaf Hash, index, size uint64, path []Hash) (steps []PathStep, root Hash, err error) {
	at, last, r := index, size-1, leaf
	for _, p := range path {
		if last == 0 {
			return steps, r, fmt.Errorf("%w (it has more hashes than the tree is high)", ErrProofRoot)
		}
		s := PathStep{Sibling: p, Left: at&1 == 1 || at == last}
		if s.Left {
			r = NodeHash(p, r)
			for at&1 == 0 && at != 0 {
				at, last = at>>1, last>>1
			}
		} else {
			r = NodeHash(r, p)
		}
		at, last = at>>1, last>>1
		s.Hash = r
		steps = append(steps, s)
	}
	if last != 0 {
		return steps, r, fmt.Errorf("%w (it has fewer hashes than the tree is high)", ErrProofRoot)
	}
	return steps, r, nil
}

// checkpoint reads a note, and refuses one of another chain.
func (t Trust) checkpoint(note []byte) (Checkpoint, error) {
	for _, k := range t.Keys {
		if k.Kind() != KindCheckpoint {
			return Checkpoint{}, fmt.Errorf("%w: "+wrongKindFormat, ErrKeyKind, k.Kind(), KindCheckpoint)
		}
	}
	c, err := ParseCheckpoint(note)
	if err == nil && t.Chain != (ChainID{}) && t.Chain != c.Chain {
		err = fmt.Errorf("%w: it is about %s", ErrProofChain, c.Chain)
	}
	return c, err
}

var errNoTrust = errors.New("there is no key to check the signature with")

// signed checks that one of the keys signed a note, and says which.
func (t Trust) signed(note []byte) (PublicKey, error) {
	if len(t.Keys) == 0 {
		return PublicKey{}, errNoTrust
	}
	var failed error
	for _, k := range t.Keys {
		_, err := OpenCheckpoint(note, k)
		if err == nil {
			return k, nil
		}
		// One that is there and wrong says more than one that is not there.
		if failed == nil || errors.Is(err, ErrCheckpointSignature) {
			failed = err
		}
	}
	return PublicKey{}, failed
}
