// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"testing"
)

func ringOf(keys ...Key) *ring {
	return newRing(&Input{Key: keys[0], Keys: keys[1:]})
}

// TestRingSteps: a chain of many files under later and later epochs costs one
// step an epoch, however often a term is asked for; a year of quarters of an
// hour must not use up what a verifier steps at most.
func TestRingSteps(t *testing.T) {
	k := newForwardKey(bytes.Repeat([]byte{1}, HashSize))
	r := ringOf(k)
	const last = 40_000
	for e := uint64(0); e <= last; e += 10 {
		for range 3 {
			if got := r.term(k.ID(), ModeForward, e); !got.known || got.key.epoch != e {
				t.Fatalf("epoch %d: %+v", e, got)
			}
		}
	}
	if r.steps != last {
		t.Errorf("%d steps for %d epochs", r.steps, last)
	}
	want, err := k.At(last)
	if got := r.term(k.ID(), ModeForward, last); err != nil || !bytes.Equal(got.key.secret, want.secret) {
		t.Error("another key")
	}
	// Back to an earlier one, from the key itself.
	want, _ = k.At(7)
	if got := r.term(k.ID(), ModeForward, 7); !got.known || !bytes.Equal(got.key.secret, want.secret) {
		t.Error("another key")
	}
}

// TestRingStepsAreBounded: what anybody may have written into a file does not
// keep a verifier busy: once the steps are used up, asking costs nothing.
func TestRingStepsAreBounded(t *testing.T) {
	k := newForwardKey(bytes.Repeat([]byte{1}, HashSize))
	r := ringOf(k)
	r.steps = maxRingSteps - 100
	if !r.term(k.ID(), ModeForward, 100).known {
		t.Fatal("the last 100 steps are refused")
	}
	r.made = nil
	const far = 1000
	if n := testing.AllocsPerRun(1, func() {
		if r.term(k.ID(), ModeForward, far).known {
			t.Error("more steps than the bound")
		}
	}); n >= far {
		t.Errorf("a refusal costs %v allocations: the key was stepped", n)
	}
	if r.steps != maxRingSteps {
		t.Errorf("%d steps", r.steps)
	}
}

// TestRingKeepsKeysApart: a key file that states the id of another key, which
// nothing can check behind epoch 0, does not spoil that one.
func TestRingKeepsKeysApart(t *testing.T) {
	k, o := newForwardKey(bytes.Repeat([]byte{1}, HashSize)), newForwardKey(bytes.Repeat([]byte{2}, HashSize))
	o, _ = o.At(3)
	o.id = k.id
	r := ringOf(k, o)
	r.at(o, 5)
	want, _ := k.At(6)
	if got := r.term(k.ID(), ModeForward, 6); !bytes.Equal(got.key.secret, want.secret) {
		t.Error("another key")
	}
}
