// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// journalFile is a journal in memory.
type journalFile struct {
	key   Key
	chain ChainID
	lines [][]byte
	head  []byte
	last  Hash
}

var testTime = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

// build makes a journal of n lines under key, with a watermark at the end.
func build(key Key, chain ChainID, n int) *journalFile {
	j := &journalFile{key: key, chain: chain}
	j.add(string(ControlPayload(NewGenesis(chain, key, testTime))))
	j.add(string(ControlPayload(Opened{Control: ControlOpened, Time: FormatTime(testTime), Writer: "w", Host: "h", PID: 1, Version: "v", Fsync: "always"})))
	for i := 3; i <= n; i++ {
		j.add(fmt.Sprintf(`{"timestamp":"2026-11-23T10:15:00.%09dZ","session_id":"s%d","event":{"type":"log"},"event_name":"","id":"00000000-0000-7000-8000-%012d","blind":"AAAAAAAAAAAAAAAAAAAAAA"`, i, i%3, i))
	}
	j.pin()
	return j
}

func (j *journalFile) add(payload string) {
	seq := uint64(len(j.lines) + 1)
	j.last = NewSealer(j.key, j.chain).MAC(j.last, seq, Leaf([]byte(payload)))
	j.lines = append(j.lines, AppendSuffix([]byte(payload), seq, j.last))
}

func (j *journalFile) pin() {
	h := Head{Generation: 1, Chain: j.chain, Position: Position{First: 1, Seq: uint64(len(j.lines)), MAC: j.last, Size: int64(len(j.bytes()))}, Time: testTime}
	j.head = h.AppendSlot(make([]byte, SlotSize), NewHeadKey(j.key, j.chain))
}

func (j *journalFile) bytes() []byte { return bytes.Join(j.lines, nil) }

func key(fill byte) Key {
	k, err := NewKey(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

func judge(b, head []byte, k Key) *Report {
	return Verify(context.Background(), Input{File: "audit.jsonl", Lines: bytes.NewReader(b), Key: k, Head: head, Workers: 1})
}

var chainA, chainB = ChainID{1}, ChainID{2}

func TestVerifyWhole(t *testing.T) {
	for _, n := range []int{2, 3, 100} {
		j := build(key(1), chainA, n)
		r := judge(j.bytes(), j.head, j.key)
		if r.Verdict != Verified || r.Lines != int64(n) || r.LastSeq != uint64(n) || r.LastMAC != j.last || r.Records != int64(n-2) || r.Controls != 2 || r.Fsync != "always" {
			t.Errorf("%d lines: %+v", n, r)
		}
		if len(r.Proven) == 0 || len(r.NotProven) == 0 {
			t.Errorf("%d lines: a report says what is proven and what is not: %+v", n, r)
		}
	}
}

// Every byte of every line, changed into another, must show, at its line.
func TestEveryChangedByteShows(t *testing.T) {
	j := build(key(1), chainA, 6)
	whole := j.bytes()
	line := int64(1)
	for i := range whole {
		for _, x := range []byte{1, 0x80} {
			b := bytes.Clone(whole)
			b[i] ^= x
			for _, head := range [][]byte{j.head, nil} {
				r := judge(b, head, j.key)
				bad := r.First()
				if head == nil && r.Verdict == PartlyProven && i >= len(whole)-len(j.lines[5])-1 && bad == nil && r.TailBytes > 0 {
					continue // without a watermark, an ill-formed last line may be a crash
				}
				if head == nil && line == 1 && r.Verdict == CannotVerify {
					continue // without a watermark, the first line alone says which chain this is
				}
				if r.Verdict != Tampered && r.Verdict != Truncated || bad == nil || bad.Line != line {
					t.Fatalf("byte %d (line %d) ^ %#x, watermark %v: %s %v", i, line, x, head != nil, r.Verdict, bad)
				}
				if r.ExitCode() != 3 {
					t.Fatalf("exit %d", r.ExitCode())
				}
			}
		}
		if whole[i] == '\n' {
			line++
		}
	}
}

// attack is one thing that somebody without the key may do to a journal, and
// how it must show.
type attack struct {
	name    string
	do      func(f [][]byte) [][]byte
	verdict Verdict
	line    int64
	seq     uint64
	kind    BadKind
}

const attackedLines = 8

func attacks() []attack {
	const n = attackedLines
	type file = [][]byte
	other := build(key(1), chainB, n)
	return []attack{
		{"delete the first line", func(f file) file { return f[1:] }, Tampered, 1, 1, Removed},
		{"delete a line", func(f file) file { return append(f[:3:3], f[4:]...) }, Tampered, 4, 4, Removed},
		{"delete two lines", func(f file) file { return append(f[:3:3], f[5:]...) }, Tampered, 4, 4, Removed},
		{"delete the last line", func(f file) file { return f[:n-1] }, Truncated, n, n, Missing},
		{"delete all but the first", func(f file) file { return f[:1] }, Truncated, 2, 2, Missing},
		{"delete everything", func(f file) file { return nil }, Truncated, 1, 1, Missing},
		{"cut in the last line", func(f file) file { f[n-1] = f[n-1][:20]; return f }, Truncated, n, n, Missing},
		{"cut only the last LF", func(f file) file { f[n-1] = f[n-1][:len(f[n-1])-1]; return f }, Truncated, n, n, Missing},
		{"swap neighbours", func(f file) file { f[3], f[4] = f[4], f[3]; return f }, Tampered, 4, 4, Reordered},
		{"swap distant lines", func(f file) file { f[2], f[6] = f[6], f[2]; return f }, Tampered, 3, 3, Reordered},
		{"swap the last two", func(f file) file { f[n-2], f[n-1] = f[n-1], f[n-2]; return f }, Tampered, n - 1, n - 1, Reordered},
		{"duplicate a line", func(f file) file { return append(f[:4:4], f[3:]...) }, Tampered, 5, 5, Duplicated},
		{"duplicate the last line", func(f file) file { return append(f, f[n-1]) }, Tampered, n + 1, n + 1, Duplicated},
		{"repeat an old line", func(f file) file { return append(f[:5:5], append(file{f[2]}, f[5:]...)...) }, Tampered, 6, 6, Duplicated},
		{"insert a forged line", func(f file) file {
			forged := bytes.Replace(f[4], []byte(`"session_id":"`), []byte(`"session_id":"evil`), 1)
			return append(f[:4:4], append(file{forged}, f[4:]...)...)
		}, Tampered, 5, 5, Inserted},
		{"insert garbage", func(f file) file { return append(f[:4:4], append(file{[]byte("garbage\n")}, f[4:]...)...) }, Tampered, 5, 5, Inserted},
		{"insert an empty line", func(f file) file { return append(f[:4:4], append(file{[]byte("\n")}, f[4:]...)...) }, Tampered, 5, 5, Inserted},
		{"change a payload", func(f file) file { f[4] = bytes.Replace(f[4], []byte("log"), []byte("lag"), 1); return f }, Tampered, 5, 5, Changed},
		{"change a tag", func(f file) file { f[4] = flipTag(f[4]); return f }, Tampered, 5, 5, Changed},
		{"change the last tag", func(f file) file { f[n-1] = flipTag(f[n-1]); return f }, Tampered, n, n, Changed},
		{"change a seq", func(f file) file {
			f[4] = bytes.Replace(f[4], []byte(`"seq":5`), []byte(`"seq":50`), 1)
			return f
		}, Tampered, 5, 5, Changed},
		{"change payload and tag", func(f file) file {
			f[4] = flipTag(bytes.Replace(f[4], []byte("log"), []byte("lag"), 1))
			return f
		}, Tampered, 5, 5, Spliced},
		{"splice from another chain", func(f file) file { return append(f[:4:4], other.lines[4:]...) }, Tampered, 5, 5, Spliced},
		{"another chain altogether", func(f file) file { return other.lines }, Tampered, 1, 1, Spliced},
		{"extend without the key", func(f file) file {
			return append(f, bytes.Replace(f[n-1], []byte(`"seq":8`), []byte(`"seq":9`), 1))
		}, Tampered, n + 1, n + 1, Changed},
		{"overwrite with NULs", func(f file) file { f[4] = append(make([]byte, len(f[4])-1), '\n'); return f }, Tampered, 5, 5, IllFormed},
		{"join two lines", func(f file) file { f[3] = f[3][:len(f[3])-1]; return f }, Tampered, 4, 4, Removed},
		{"split a line", func(f file) file { f[3] = append(append(f[3][:40:40], '\n'), f[3][40:]...); return f }, Tampered, 4, 4, IllFormed},
	}
}

func TestAttacks(t *testing.T) {
	for _, c := range attacks() {
		t.Run(c.name, func(t *testing.T) {
			j := build(key(1), chainA, attackedLines)
			b := bytes.Join(c.do(j.lines), nil)
			r := judge(b, j.head, j.key)
			bad := r.First()
			if r.Verdict != c.verdict || bad == nil || r.ExitCode() != 3 {
				t.Fatalf("%s %v", r.Verdict, bad)
			}
			if bad.Line != c.line || bad.Seq != c.seq || bad.Kind != c.kind {
				t.Errorf("line %d seq %d %s (%s), want line %d seq %d %s", bad.Line, bad.Seq, bad.Kind, bad.Reason, c.line, c.seq, c.kind)
			}
			if want := lineOffset(b, bad.Line); bad.Offset != want {
				t.Errorf("offset %d, want %d", bad.Offset, want)
			}
			if r.Lines != bad.Line-1 {
				t.Errorf("%d lines proven before line %d", r.Lines, bad.Line)
			}
		})
	}
}

func flipTag(line []byte) []byte {
	b := bytes.Clone(line)
	i := len(b) - 10
	if b[i] == '0' {
		b[i] = '1'
	} else {
		b[i] = '0'
	}
	return b
}

func lineOffset(b []byte, line int64) int64 {
	off := int64(0)
	for ; line > 1; line-- {
		off += int64(bytes.IndexByte(b[off:], '\n')) + 1
	}
	return off
}

func TestTwoDeletionsAreTwo(t *testing.T) {
	j := build(key(1), chainA, 20)
	f := append(append(append([][]byte{}, j.lines[:5]...), j.lines[6:10]...), j.lines[11:]...)
	r := judge(bytes.Join(f, nil), j.head, j.key)
	if r.BadTotal != 2 || len(r.Bad) != 2 || r.Bad[0].Line != 6 || r.Bad[1].Line != 10 || r.Bad[1].Seq != 11 {
		t.Errorf("%d bad: %v", r.BadTotal, r.Bad)
	}
	if r.HoldsAfter != 3+8 {
		t.Errorf("%d lines hold after the first place, want 11", r.HoldsAfter)
	}
}

func TestWatermarkDecidesTheEnd(t *testing.T) {
	j := build(key(1), chainA, 8)
	j.add(`{"timestamp":"x"`) // written, and not acknowledged
	tail := append(j.bytes(), `{"timestamp":"unfinished`...)
	for _, c := range []struct {
		name    string
		b, head []byte
		verdict Verdict
		tail    int64
		unack   uint64
	}{
		{"line beyond", j.bytes(), j.head, Verified, 0, 1},
		{"crash tail", tail, j.head, VerifiedCrashTail, 24, 1},
		{"no watermark", j.bytes(), nil, PartlyProven, 0, 0},
		{"no watermark, unfinished end", tail, nil, PartlyProven, 24, 0},
		{"half a watermark", j.bytes(), j.head[:700], PartlyProven, 0, 0},
	} {
		r := judge(c.b, c.head, j.key)
		if r.Verdict != c.verdict || r.TailBytes != c.tail || r.Unacknowledged != c.unack {
			t.Errorf("%s: %s, tail %d, unacknowledged %d", c.name, r.Verdict, r.TailBytes, r.Unacknowledged)
		}
	}
	// One of two slots torn may hide a commit.
	h := Head{Generation: 2, Chain: j.chain, Position: Position{First: 1, Seq: 9, MAC: j.last, Size: int64(len(j.bytes()))}, Time: testTime}
	both := append(h.AppendSlot(nil, NewHeadKey(j.key, j.chain)), j.head[SlotSize:]...)
	if r := judge(j.bytes(), both, j.key); r.Verdict != Verified || r.Unacknowledged != 0 {
		t.Errorf("two slots: %s", r.Verdict)
	}
	both[20] ^= 1
	if r := judge(j.bytes(), both, j.key); r.Verdict != Verified {
		t.Errorf("newer slot torn, elder is the first of all: %s", r.Verdict)
	}
	both[20] ^= 1
	both[SlotSize+20] ^= 1
	if r := judge(j.bytes(), both, j.key); r.Verdict != PartlyProven {
		t.Errorf("elder slot torn: %s", r.Verdict)
	}
	// A watermark of another history of the same chain.
	fork := build(key(1), chainA, 7)
	fork.add(`{"timestamp":"another eighth line"`)
	fork.pin()
	if r := judge(j.bytes(), fork.head, j.key); r.Verdict != Tampered || r.First().Kind != Spliced {
		t.Errorf("fork: %s %v", r.Verdict, r.First())
	}
}

func TestWrongKeyClaimsNothing(t *testing.T) {
	j := build(key(1), chainA, 8)
	for name, head := range map[string][]byte{"with watermark": j.head, "without": nil} {
		r := judge(j.bytes(), head, key(2))
		if r.Verdict != CannotVerify || r.ExitCode() != 1 || r.BadTotal != 0 || len(r.Proven) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if !strings.Contains(strings.Join(r.NotProven, " "), key(2).ID()) {
			t.Errorf("%s: does not name the key: %q", name, r.NotProven)
		}
	}
	// Tampering under the right key is not a wrong key, also in the genesis.
	b := bytes.Replace(j.bytes(), []byte(j.key.ID()), []byte("0000000000000000"), 1)
	for name, head := range map[string][]byte{"with watermark": j.head, "without": nil} {
		if r := judge(b, head, j.key); r.Verdict != Tampered || r.First().Line != 1 {
			t.Errorf("key id altered, %s: %s %v", name, r.Verdict, r.First())
		}
	}
	b = bytes.Replace(j.bytes(), []byte(chainA.String()), []byte(chainB.String()), 1)
	for name, head := range map[string][]byte{"with watermark": j.head, "without": nil} {
		if r := judge(b, head, j.key); r.Verdict != Tampered || r.First().Line != 1 {
			t.Errorf("chain id altered, %s: %s %v", name, r.Verdict, r.First())
		}
	}
	if r := judge(j.bytes(), j.head, Key{}); r.Verdict != CannotVerify {
		t.Errorf("no key: %s", r.Verdict)
	}
}

func TestNothingIsNotVerified(t *testing.T) {
	for name, b := range map[string]string{"empty": "", "text": "hello\nworld\n", "json": "{\"a\":1}\n", "one unfinished line": `{"control":"chain.gen`} {
		if r := judge([]byte(b), nil, key(1)); r.Verdict != CannotVerify {
			t.Errorf("%s: %s", name, r.Verdict)
		}
	}
}

func TestNewerFormatAndUnknownControls(t *testing.T) {
	j := &journalFile{key: key(1), chain: chainA}
	g := NewGenesis(chainA, j.key, testTime)
	g.Format = 2
	j.add(string(ControlPayload(g)))
	j.pin()
	if r := judge(j.bytes(), j.head, j.key); r.Verdict != CannotVerify || !strings.Contains(fmt.Sprint(r.NotProven), "version 2") {
		t.Errorf("newer format: %+v", r)
	}
	j = build(key(1), chainA, 4)
	j.add(`{"control":"chain.novelty","time":"x"`)
	j.pin()
	r := judge(j.bytes(), j.head, j.key)
	if r.Verdict != Verified || fmt.Sprint(r.Unknown) != "[chain.novelty]" || !strings.Contains(fmt.Sprint(r.NotProven), "chain.novelty") {
		t.Errorf("unknown control: %+v", r)
	}
}

// Lines that span chunks, and places that fall on their borders.
func TestLargeFile(t *testing.T) {
	if testing.Short() {
		t.Skip("large file")
	}
	j := build(key(1), chainA, 3)
	sealer := NewSealer(j.key, j.chain)
	fill := strings.Repeat("x", 900)
	for i := len(j.lines) + 1; i <= 6000; i++ {
		size := i % 900
		if i%1500 == 0 {
			size = 900
		}
		payload := `{"timestamp":"` + fill[:size]
		if i%1500 == 0 {
			payload += strings.Repeat("y", 3*chunkSize)
		}
		j.last = sealer.MAC(j.last, uint64(i), Leaf([]byte(payload)))
		j.lines = append(j.lines, AppendSuffix([]byte(payload), uint64(i), j.last))
	}
	j.pin()
	whole := j.bytes()
	for _, workers := range []int{1, 2, 7} {
		r := Verify(t.Context(), Input{Lines: iotest.HalfReader(bytes.NewReader(whole)), Key: j.key, Head: j.head, Workers: workers})
		if r.Verdict != Verified || r.Lines != 6000 {
			t.Fatalf("%d workers: %s %v, %d lines", workers, r.Verdict, r.First(), r.Lines)
		}
	}
	for i := 3; i < len(j.lines); i += 499 {
		cut := append(append([][]byte{}, j.lines[:i]...), j.lines[i+1:]...)
		r := Verify(t.Context(), Input{Lines: bytes.NewReader(bytes.Join(cut, nil)), Key: j.key, Head: j.head})
		if r.Verdict != Tampered || r.First().Line != int64(i+1) || r.First().Kind != Removed || r.BadTotal != 1 || r.Lines+r.HoldsAfter != 5998 {
			t.Fatalf("line %d removed: %s %v, %d + %d lines", i+1, r.Verdict, r.First(), r.Lines, r.HoldsAfter)
		}
	}
}

func TestReadErrorClaimsNothing(t *testing.T) {
	j := build(key(1), chainA, 8)
	broken := io.MultiReader(bytes.NewReader(j.bytes()), iotest.ErrReader(errors.New("disk on fire")))
	r := Verify(t.Context(), Input{Lines: broken, Key: j.key, Head: j.head})
	if r.Verdict != CannotVerify || !strings.Contains(fmt.Sprint(r.NotProven), "disk on fire") {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Verify(ctx, Input{Lines: bytes.NewReader(j.bytes()), Key: j.key, Head: j.head}); r.Verdict != CannotVerify {
		t.Errorf("cancelled: %s", r.Verdict)
	}
}

// Whatever stands in a file, a verdict comes, and only the key's own lines
// are ever proven.
func FuzzVerify(f *testing.F) {
	j := build(key(1), chainA, 5)
	f.Add(j.bytes(), j.head)
	f.Add(j.bytes()[:300], j.head)
	f.Add([]byte("x"), []byte{})
	whole := j.bytes()
	f.Fuzz(func(t *testing.T, b, head []byte) {
		r := judge(b, head, j.key)
		if r.Lines > 0 && !bytes.HasPrefix(b, bytes.Join(j.lines[:min(int(r.Lines), len(j.lines))], nil)) {
			t.Errorf("%d lines proven of %q", r.Lines, b)
		}
		if r.Verdict == Verified && !bytes.Equal(b, whole) {
			t.Errorf("verified: %q", b)
		}
	})
}
