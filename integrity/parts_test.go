// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// long is a chain in one file of about n bytes, long enough to be checked in
// parts side by side: with a step of the key every epoch lines, and a
// checkpoint every checkpoint lines.
func long(n, epoch, checkpoint, fill int) (file []byte, s *set, k Key) {
	s, k = newForward(1)
	var buf bytes.Buffer
	buf.Write(s.live().bytes())
	x := strings.Repeat("x", fill)
	sealer := NewSealer(s.key, s.chain)
	var tree Range
	for _, leaf := range s.leaves {
		tree.Add(leaf)
	}
	add := func(payload []byte) {
		leaf := Leaf(payload)
		s.seq++
		s.last = sealer.MAC(s.last, s.seq, leaf)
		tree.Add(leaf)
		buf.Write(AppendSuffix(payload, s.seq, s.last))
	}
	for i := 1; buf.Len() < n; i++ {
		add(fmt.Appendf(nil, `{"timestamp":"%d %s"`, i, x[:len(x)/2+i%(len(x)/2+1)]))
		if i%checkpoint == 0 {
			note, err := Checkpoint{Chain: s.chain, Size: s.seq, Root: tree.Root()}.Sign(s.signer)
			if err != nil {
				panic(err)
			}
			add(ControlPayload(Checkpointed{Control: ControlCheckpoint, Time: "t", Writer: "w", Note: string(note)}))
		}
		if i%epoch == 0 {
			add(ControlPayload(Epoch{Control: ControlEpoch, Time: "t", Writer: "w", Epoch: s.key.epoch + 1}))
			s.key = s.key.Next()
			sealer = NewSealer(s.key, s.chain)
		}
	}
	s.pinAt(Position{First: 1, Seq: s.seq, MAC: s.last, Size: int64(buf.Len())})
	s.pinAt(Position{First: 1, Seq: s.seq, MAC: s.last, Size: int64(buf.Len())})
	return buf.Bytes(), s, k
}

func judgeFile(t testing.TB, file []byte, s *set, workers int, keys ...Key) *Report {
	in := s.input(keys...)
	in.Files = []Source{{File: "audit.jsonl", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil }}}
	in.Workers = workers
	in.PublicKey = s.signer.Public()
	return Verify(t.Context(), in)
}

// TestParts checks that the report does not depend on how a file is parted,
// with epochs that are shorter and longer than a part, whole and altered.
func TestParts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ epoch, checkpoint int }{{3, 1000}, {200, 7}, {2500, 900}, {1_500, 1}} {
		file, s, k := long(3<<20, c.epoch, c.checkpoint, 800)
		late, err := k.At((s.key.epoch + 1) / 2)
		if err != nil {
			t.Fatal(err)
		}
		for name, keys := range map[string][]Key{"verification key": {k}, "later key": {late}, "public key": nil} {
			var want *Report
			for _, workers := range []int{1, 2, 3, 8} {
				r := judgeFile(t, file, s, workers, keys...)
				if want == nil {
					want = r
					if name == "verification key" {
						wantVerdict(t, r, Verified)
					} else {
						wantVerdict(t, r, PartlyProven)
					}
					if r.Lines != int64(s.seq) || r.Epochs != s.key.epoch {
						t.Fatalf("%s: %d lines of %d, %d epochs", name, r.Lines, s.seq, r.Epochs)
					}
				}
				if diff := cmp.Diff(want, r); diff != "" {
					t.Fatalf("epochs of %d, %s, %d workers:\n%s", c.epoch, name, workers, diff)
				}
			}
		}
		for range 8 {
			altered := bytes.Clone(file)
			// Not in a tag, which without a key is no claim.
			at := rnd.IntN(len(altered))
			for !strings.Contains("x0123456789", string(altered[at])) || bytes.Contains(altered[max(at-80, 0):at], []byte(`"hmac"`)) || bytes.Contains(altered[max(at-30, 0):at], []byte(`"seq"`)) {
				at = rnd.IntN(len(altered))
			}
			altered[at] ^= 1
			var want *Report
			for _, workers := range []int{1, 4} {
				r := judgeFile(t, altered, s, workers, k)
				if r.Verdict != Tampered {
					t.Fatalf("byte %d altered: %s", at, r.Verdict)
				}
				if b := r.First(); b.Offset > int64(at) || b.Kind != Changed && b.Kind != IllFormed && b.Kind != Spliced {
					t.Errorf("byte %d altered: %v", at, b)
				}
				if want == nil {
					want = r
				} else if diff := cmp.Diff(want, r); diff != "" {
					t.Fatalf("epochs of %d, byte %d altered, %d workers:\n%s", c.epoch, at, workers, diff)
				}
			}
			if want.HoldsAfter == 0 && want.First().Offset < int64(len(file)-100_000) {
				t.Errorf("byte %d altered: nothing holds after it", at)
			}
		}
	}
}

// BenchmarkVerifyEvidence is BenchmarkVerify with a tree, checkpoints and
// epochs.
func BenchmarkVerifyEvidence(b *testing.B) {
	file, s, k := long(128<<20, 20_000, 10_000, 1200)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if r := judgeFile(b, file, s, 0, k); r.Verdict != Verified {
			b.Fatal(r.Verdict, r.First())
		}
	}
}
