// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"slices"
	"sync"
)

// term is a key in force, in one of its epochs. Lines under a term whose key
// is not at hand can be checked for their form and order alone.
type term struct {
	id    string // key id, as the chain names it
	mode  string
	epoch uint64
	// known says that key is the one, at epoch.
	known bool
	key   Key
}

// is reports whether t and o are the same key in the same epoch.
func (t *term) is(o *term) bool {
	return t.known == o.known && t.id == o.id && t.mode == o.mode && t.epoch == o.epoch
}

// ring are the keys at hand.
type ring struct {
	keys []Key
	// state is what the key file says of where its epoch began.
	state KeyState

	mu sync.Mutex
	// steps is how far keys were stepped in all, and made the key that was
	// stepped last from each of keys: the files of a chain are under later and
	// later epochs. Both are guarded by mu.
	steps uint64
	made  map[ringKey]Key
}

// ringKey names one of the keys of a ring.
type ringKey struct {
	id    string
	epoch uint64
}

// maxRingSteps bounds what lines that anybody may have written can make a
// verifier compute.
const maxRingSteps = 4 * maxSteps

func newRing(in *Input) *ring {
	r := &ring{state: in.State}
	for _, k := range append([]Key{in.Key}, in.Keys...) {
		if !k.IsZero() && !slices.ContainsFunc(r.keys, func(o Key) bool { return o.Same(k) && o.epoch <= k.epoch }) {
			r.keys = append(r.keys, k)
		}
	}
	return r
}

// term returns the term of a key id in an epoch; known where a key at hand
// reaches it.
func (r *ring) term(id, mode string, epoch uint64) term {
	t := term{id: id, mode: mode, epoch: epoch}
	for _, k := range r.keys {
		if k.ID() != id || k.Mode() != mode {
			continue
		}
		if at, ok := r.at(k, epoch); ok {
			t.known, t.key = true, at
			return t
		}
	}
	return t
}

// further reports whether the key of a term is at hand, and at a later epoch.
func (r *ring) further(t *term) bool {
	return slices.ContainsFunc(r.keys, func(k Key) bool {
		return k.ID() == t.id && k.Mode() == t.mode && k.epoch > t.epoch
	})
}

// at returns the key of an epoch, as long as keys were not stepped too far in
// all. Steps count before they are made, and a refusal costs nothing: else a
// few short files could keep a verifier busy for hours.
func (r *ring) at(k Key, epoch uint64) (Key, bool) {
	if !k.forward || epoch <= k.epoch || epoch-k.epoch > maxSteps {
		at, err := k.At(epoch)
		return at, err == nil
	}
	r.mu.Lock()
	from, name := k, ringKey{k.id, k.epoch}
	if made, ok := r.made[name]; ok && made.epoch <= epoch {
		from = made
	}
	ok := r.steps+epoch-from.epoch <= maxRingSteps
	if ok {
		r.steps += epoch - from.epoch
	}
	r.mu.Unlock()
	if !ok {
		return Key{}, false
	}
	at, err := from.At(epoch)
	if err != nil {
		return Key{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made == nil {
		r.made = make(map[ringKey]Key)
	}
	r.made[name] = at
	return at, true
}

// use makes t the term in force.
func (c *checker) use(t term) {
	if c.term.is(&t) && (c.sealer != nil) == t.known {
		return
	}
	c.term = t
	c.sealer = nil
	if t.known {
		c.sealer = NewSealer(t.key, c.chain)
	}
}

// mac is the tag that a line has under the term in force. ok is false where
// the key is not at hand.
func (c *checker) mac(prev Hash, seq uint64, leaf Hash) (mac Hash, ok bool) {
	if c.sealer == nil {
		return Hash{}, false
	}
	return c.sealer.MAC(prev, seq, leaf), true
}

// The beginnings of control records that change the term, so that others are
// not looked at.
var (
	epochStart = []byte(`{"control":"` + ControlEpoch + `"`)
	keyStart   = []byte(`{"control":"` + ControlKey + `"`)
	// signerStart changes another key.
	signerStart = []byte(`{"control":"` + ControlSigner + `"`)
)

// behind returns the term in force behind line p, which holds under t, and
// whether p says what a writer may say.
func (r *ring) behind(t term, p *Line) (term, bool) {
	if p.Kind != Control {
		return t, true
	}
	switch {
	case bytes.HasPrefix(p.Payload, epochStart):
		var e Epoch
		if ParseControl(p.Payload, &e) != nil || e.Epoch != t.epoch+1 || t.mode != ModeForward {
			return t, false
		}
		if t.known {
			return term{t.id, t.mode, e.Epoch, true, t.key.Next()}, true
		}
		return r.term(t.id, t.mode, e.Epoch), true
	case bytes.HasPrefix(p.Payload, keyStart):
		var k KeyChange
		if ParseControl(p.Payload, &k) != nil {
			return t, false
		}
		return r.term(k.KeyID, k.KeyMode, k.Epoch), true
	}
	return t, true
}

// maxGuess is how many epochs a checker looks ahead for the one that a part of
// a file is under.
const maxGuess = 1024

// guess finds the term that two lines of a part of a file are under, beginning
// with t, which is that of a part before it. What it finds is a guess: whoever
// knows the parts before has the last word.
func (c *checker) guess(t term, first, second *parsed) term {
	if first.err != nil || second.err != nil || second.Seq != first.Seq+1 {
		return t
	}
	fits := func(t term) bool {
		after, _ := c.ring.behind(t, &first.Line)
		if !after.known {
			return false
		}
		return NewSealer(after.key, c.chain).MAC(first.MAC, second.Seq, second.leaf) == second.MAC
	}
	if !t.known || fits(t) {
		return t
	}
	for next, i := t, 0; next.mode == ModeForward && i < maxGuess; i++ {
		next.key = next.key.Next()
		next.epoch++
		if fits(next) {
			return next
		}
	}
	for _, k := range c.ring.keys {
		if o := (term{k.ID(), k.Mode(), k.epoch, true, k}); k.ID() != t.id && fits(o) {
			return o
		}
	}
	return t
}

// resync is how far a checker looks ahead for the epoch of a line that does not
// hold: lines may be missing, a chain.epoch among them. maxResync is how often
// it does so in one part of a file, where everything may be bad.
const (
	resync    = 64
	maxResync = 8
)

// later returns the later term under which p follows the line before it.
func (c *checker) later(seq uint64, mac Hash, p *parsed) (term, bool) {
	t := c.term
	if !t.known || t.mode != ModeForward || p.err != nil || p.Seq != seq+1 {
		return t, false
	}
	for range resync {
		t.key = t.key.Next()
		t.epoch++
		if NewSealer(t.key, c.chain).MAC(mac, p.Seq, p.leaf) == p.MAC {
			return t, true
		}
	}
	return t, false
}

// firstTerm finds out under which term a chain begins. data are its first
// lines; id, mode and epoch what the first of them says, which anybody may
// have altered: where the lines behind it are under a key at hand, it is that
// one.
func (c *checker) firstTerm(data []byte, id, mode string, epoch uint64) term {
	said := c.ring.term(id, mode, epoch)
	if id == "" && len(c.ring.keys) > 0 {
		k := c.ring.keys[0]
		said = term{k.ID(), k.Mode(), k.epoch, true, k}
	}
	var lines []parsed
	for off := int64(0); len(data) > 0 && len(lines) < contextLines; {
		var p parsed
		p, data = c.parse(data, off)
		off = p.end
		lines = append(lines, p)
	}
	candidates := []term{said}
	for _, k := range c.ring.keys {
		if at, ok := c.ring.at(k, epoch); ok {
			candidates = append(candidates, term{k.ID(), k.Mode(), epoch, true, at})
		}
		candidates = append(candidates, term{k.ID(), k.Mode(), k.epoch, true, k})
	}
	for _, t := range candidates {
		if !t.known {
			continue
		}
		s := NewSealer(t.key, c.chain)
		if t.id == id && t.mode != mode && lines[0].err == nil && lines[0].Seq == 1 && s.MAC(Hash{}, 1, lines[0].leaf) == lines[0].MAC {
			// The line is genuine, and the key one of another kind, which is not
			// to be taken for it.
			return term{id: id, mode: mode, epoch: epoch}
		}
		for i := range lines {
			p := &lines[i]
			if i > 0 && (bytes.HasPrefix(lines[i-1].Payload, epochStart) || bytes.HasPrefix(lines[i-1].Payload, keyStart)) {
				break // another term begins
			}
			switch {
			case p.err != nil:
			case i == 0 && p.Seq == 1 && s.MAC(Hash{}, 1, p.leaf) == p.MAC:
				return t
			case i > 0 && lines[i-1].err == nil && p.Seq == lines[i-1].Seq+1 && s.MAC(lines[i-1].MAC, p.Seq, p.leaf) == p.MAC:
				return t
			}
		}
	}
	return said
}
