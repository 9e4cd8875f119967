// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"errors"
	"fmt"
)

// ConsistencyProof proves that the tree of one checkpoint is a beginning of
// that of another one: nothing was altered or removed in between, only added
// (docs/SPEC.md, section 10.5). It holds nothing of any record.
type ConsistencyProof struct {
	// Path are the hashes of the consistency proof (RFC 6962, section 2.1.2).
	Path []Hash
	// From is the signed note of the smaller tree, To that of the larger one.
	From, To []byte
}

const consistencyStart = "auditchain-consistency v1\n"

// AppendText appends the proof as a file holds it. The error is always nil.
func (p *ConsistencyProof) AppendText(dst []byte) ([]byte, error) {
	dst = append(dst, consistencyStart...)
	dst = appendHashLines(dst, p.Path)
	dst = append(dst, '\n')
	dst = append(dst, p.From...)
	dst = append(dst, '\n')
	return append(dst, p.To...), nil
}

// ParseConsistencyProof reads what AppendText writes, and nothing else.
func ParseConsistencyProof(text []byte) (*ConsistencyProof, error) {
	rest, ok := bytes.CutPrefix(text, []byte(consistencyStart))
	if !ok {
		return nil, proofError("it does not begin with %q", consistencyStart[:len(consistencyStart)-1])
	}
	p := &ConsistencyProof{}
	head := []byte(nil)
	if rest, ok = bytes.CutPrefix(rest, []byte{'\n'}); !ok {
		if head, rest, ok = bytes.Cut(rest, []byte("\n\n")); !ok {
			return nil, proofError("it ends before its checkpoints; it was cut")
		}
		var err error
		if p.Path, err = parseHashLines(bytes.Split(head, []byte{'\n'})); err != nil {
			return nil, err
		}
	}
	// The two texts and their signatures.
	parts := bytes.Split(rest, []byte("\n\n"))
	if len(parts) != 4 {
		return nil, proofError("it does not hold two checkpoints; it may be cut")
	}
	p.From = bytes.Join([][]byte{parts[0], append(bytes.Clone(parts[1]), '\n')}, []byte("\n\n"))
	p.To = bytes.Join(parts[2:], []byte("\n\n"))
	for _, note := range [][]byte{p.From, p.To} {
		if _, err := parseWholeNote(note); err != nil {
			return nil, proofError("one of its checkpoints: %w", err)
		}
	}
	return p, nil
}

// ConsistencyCheck is what the check of a consistency proof went through, as
// far as it came.
type ConsistencyCheck struct {
	From, To       Checkpoint
	FromKey, ToKey PublicKey
	// Start is what the steps go up from in both trees: the first hash of the
	// proof, or the root of the smaller tree where that is a node of the
	// larger one.
	Start Hash
	Steps []ConsistencyStep
	// FromRoot and ToRoot are what the steps lead to.
	FromRoot, ToRoot Hash
}

// ConsistencyStep is one step up both trees. A sibling on the left is in both
// of them, one on the right in the larger one alone.
type ConsistencyStep struct {
	Sibling Hash
	Left    bool
	// From and To are what the step gives in the two trees.
	From, To Hash
}

// Check checks the proof. What it returns says how, and is never nil.
func (p *ConsistencyProof) Check(t Trust) (*ConsistencyCheck, error) {
	c := &ConsistencyCheck{}
	var err error
	if c.From, err = t.checkpoint(p.From); err != nil {
		return c, fmt.Errorf("the smaller checkpoint: %w", err)
	}
	if c.To, err = t.checkpoint(p.To); err != nil {
		return c, fmt.Errorf("the larger checkpoint: %w", err)
	}
	if c.From.Chain != c.To.Chain {
		return c, fmt.Errorf("%w: its two checkpoints are of two chains, %s and %s", ErrProofChain, c.From.Chain, c.To.Chain)
	}
	if c.From.Size == 0 || c.From.Size > c.To.Size {
		return c, fmt.Errorf("%w: %d and %d", ErrProofSizes, c.From.Size, c.To.Size)
	}
	if err := c.climb(p.Path); err != nil {
		return c, err
	}
	if c.FromRoot != c.From.Root || c.ToRoot != c.To.Root {
		return c, fmt.Errorf("%w, or the two are of two histories", ErrProofRoot)
	}
	if c.FromKey, err = t.signed(p.From); err != nil {
		return c, fmt.Errorf("the smaller checkpoint: %w", err)
	}
	if c.ToKey, err = t.signed(p.To); err != nil {
		return c, fmt.Errorf("the larger checkpoint: %w", err)
	}
	return c, nil
}

// CheckRoots checks all but the signatures.
func (p *ConsistencyProof) CheckRoots() error {
	_, err := p.Check(Trust{})
	if errors.Is(err, errNoTrust) {
		return nil
	}
	return err
}

// climb computes both roots (RFC 9162, section 2.1.4.2, which checks what RFC
// 6962, section 2.1.2, defines).
func (c *ConsistencyCheck) climb(path []Hash) error {
	if c.From.Size == c.To.Size {
		c.Start, c.FromRoot, c.ToRoot = c.From.Root, c.From.Root, c.From.Root
		if len(path) != 0 {
			return fmt.Errorf("%w (the two trees are of one size, and it has hashes)", ErrProofRoot)
		}
		return nil
	}
	at, last := c.From.Size-1, c.To.Size-1
	for at&1 == 1 {
		at, last = at>>1, last>>1
	}
	c.Start = c.From.Root
	if at != 0 {
		if len(path) == 0 {
			return fmt.Errorf("%w (it has no hashes)", ErrProofRoot)
		}
		c.Start, path = path[0], path[1:]
	}
	c.FromRoot, c.ToRoot = c.Start, c.Start
	for _, p := range path {
		if last == 0 {
			return fmt.Errorf("%w (it has more hashes than the tree is high)", ErrProofRoot)
		}
		s := ConsistencyStep{Sibling: p, Left: at&1 == 1 || at == last}
		if s.Left {
			c.FromRoot, c.ToRoot = NodeHash(p, c.FromRoot), NodeHash(p, c.ToRoot)
			for at&1 == 0 && at != 0 {
				at, last = at>>1, last>>1
			}
		} else {
			c.ToRoot = NodeHash(c.ToRoot, p)
		}
		at, last = at>>1, last>>1
		s.From, s.To = c.FromRoot, c.ToRoot
		c.Steps = append(c.Steps, s)
	}
	if last != 0 {
		return fmt.Errorf("%w (it has fewer hashes than the tree is high)", ErrProofRoot)
	}
	return nil
}
