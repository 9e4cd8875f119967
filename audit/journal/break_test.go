// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// firstSegment is the name that the first file of a journal gets once it is
// finished.
func firstSegment(path string) string {
	return strings.TrimSuffix(path, ".jsonl") + "-00000000000000000001.jsonl"
}

// closedJournal makes a journal of three records: lines 1 to 6, the last
// one chain.closed.
func closedJournal(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	for range 3 {
		appendOne(t, j, record(uuid.New(), "x"))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantBreak(t *testing.T, r *integrity.Report, found string) {
	t.Helper()
	if len(r.Breaks) != 1 || r.Breaks[0].Found != found {
		t.Errorf("breaks %+v, want %s", r.Breaks, found)
	}
}

// What is done to a journal while nobody writes: `verify` says it, and goes on
// saying it after a writer has come back. The writer takes records again, and
// leaves what it found as it was.
func TestAttackThenReopen(t *testing.T) {
	for _, c := range []struct {
		name   string
		attack func(t *testing.T, path string)
		want   integrity.Verdict
		kind   integrity.BadKind
		found  string
		after  integrity.Verdict // once a writer has come back, where it is another one
	}{
		{"tail cut at a line", func(t *testing.T, p string) {
			b := readFile(t, p)
			os.Truncate(p, int64(bytes.LastIndexByte(b[:len(b)-1], '\n')+1))
		}, integrity.Truncated, integrity.Missing, integrity.BreakShorter, ""},
		{"tail cut in a line", func(t *testing.T, p string) { os.Truncate(p, int64(len(readFile(t, p))-10)) },
			integrity.Truncated, integrity.Missing, integrity.BreakShorter, ""},
		{"emptied", func(t *testing.T, p string) { os.Truncate(p, 0) },
			integrity.Truncated, integrity.Missing, integrity.BreakShorter, ""},
		{"removed", func(t *testing.T, p string) { os.Remove(p) },
			integrity.Truncated, integrity.Missing, integrity.BreakMissing, integrity.Tampered},
		{"foreign line appended", func(t *testing.T, p string) {
			b := readFile(t, p)
			line := b[bytes.LastIndexByte(b[:len(b)-1], '\n')+1:]
			appendRaw(t, p, strings.Replace(string(line), `"seq":6`, `"seq":7`, 1))
		}, integrity.Tampered, "", integrity.BreakForeign, ""},
		{"last line altered", func(t *testing.T, p string) {
			b := readFile(t, p)
			b[bytes.LastIndex(b, []byte(`"records":`))+10] = '9'
			os.WriteFile(p, b, 0o600)
		}, integrity.Tampered, integrity.Changed, "", ""},
		{"last tag altered", func(t *testing.T, p string) {
			b := readFile(t, p)
			at := &b[len(b)-10]
			*at = "10"[*at&1]
			os.WriteFile(p, b, 0o600)
		}, integrity.Tampered, integrity.Changed, integrity.BreakAltered, ""},
		{"earlier line altered", func(t *testing.T, p string) {
			b := readFile(t, p)
			b[bytes.Index(b, []byte(`"body":"x"`))+8] = 'y'
			os.WriteFile(p, b, 0o600)
		}, integrity.Tampered, integrity.Changed, "", ""},
		{"replaced by garbage", func(t *testing.T, p string) { os.WriteFile(p, bytes.Repeat([]byte("garbage\n"), 1000), 0o600) },
			integrity.Tampered, integrity.IllFormed, integrity.BreakAltered, ""},
		{"watermark removed", func(t *testing.T, p string) { os.Remove(p + ".head") },
			integrity.PartlyProven, "", integrity.BreakNoWatermark, ""},
		{"watermark overwritten", func(t *testing.T, p string) { os.WriteFile(p+".head", []byte("x"), 0o600) },
			integrity.PartlyProven, "", integrity.BreakNoWatermark, ""},
		{"watermark emptied", func(t *testing.T, p string) { os.Truncate(p+".head", 0) },
			integrity.PartlyProven, "", integrity.BreakNoWatermark, ""},
		{"one byte of the watermark edited", func(t *testing.T, p string) {
			b := readFile(t, p+".head")
			b[integrity.SlotSize/4] ^= 1
			os.WriteFile(p+".head", b, 0o600)
		}, integrity.PartlyProven, "", "", ""},
		{"tail cut and watermark removed", func(t *testing.T, p string) {
			b := readFile(t, p)
			os.Truncate(p, int64(bytes.LastIndexByte(b[:len(b)-1], '\n')+1))
			os.Remove(p + ".head")
		}, integrity.PartlyProven, "", integrity.BreakNoWatermark, ""},
		{"line altered and watermark removed", func(t *testing.T, p string) {
			b := readFile(t, p)
			b[bytes.LastIndex(b, []byte(`"body":"x"`))+8] = 'y'
			os.WriteFile(p, b, 0o600)
			os.Remove(p + ".head")
		}, integrity.Tampered, integrity.Changed, integrity.BreakNoWatermark, ""},
		{"lock file removed", func(t *testing.T, p string) { os.Remove(p + ".lock") }, integrity.Verified, "", "", ""},
		{"ids removed", func(t *testing.T, p string) { os.Remove(p + ".ids") }, integrity.Verified, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := closedJournal(t)
			c.attack(t, path)
			found, _ := os.ReadFile(path)
			r := verify(t, path)
			wantVerdict(t, r, c.want)
			if c.kind != "" && r.First().Kind != c.kind {
				t.Errorf("kind %q, want %q", r.First().Kind, c.kind)
			}
			for range 2 {
				var reports []error
				j := open(t, path, func(o *journal.Options) { o.Report = func(err error) { reports = append(reports, err) } })
				appendOne(t, j, record(uuid.New(), "after"))
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				r := verify(t, path)
				if c.after != "" {
					// What was the end is now the missing beginning.
					c.want, c.kind = c.after, integrity.Removed
				}
				wantVerdict(t, r, c.want)
				if c.kind != "" && r.First().Kind != c.kind {
					t.Errorf("kind %q after a writer came back, want %q", r.First().Kind, c.kind)
				}
				if c.found == "" {
					continue
				}
				wantBreak(t, r, c.found)
				if kept, _ := os.ReadFile(firstSegment(path)); !bytes.Equal(kept, found) {
					t.Error("what was found was not kept as it was")
				}
				if wantReport := len(reports) == 1; wantReport != (len(r.Breaks) == 1 && reports != nil) {
					t.Errorf("reports %v", reports)
				}
			}
		})
	}
}

// What was missing is put back: nothing is missing any more, and the break
// stays as a fact.
func TestBreakHeals(t *testing.T) {
	path := closedJournal(t)
	whole := readFile(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	appendOne(t, j, record(uuid.New(), "after"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Tampered)
	if err := os.WriteFile(firstSegment(path), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	wantBreak(t, r, integrity.BreakMissing)
	if r.Records != 4 {
		t.Errorf("%d records", r.Records)
	}
}

// A file that somebody puts where a finished segment will be neither stops the
// writer nor hides anything.
func TestPlantedSegment(t *testing.T) {
	path := closedJournal(t)
	if err := os.WriteFile(firstSegment(path), []byte("planted\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var reports []error
	j := open(t, path, func(o *journal.Options) {
		o.Rotation.MaxSize = 1
		o.Report = func(err error) { reports = append(reports, err) }
	})
	appendOne(t, j, record(uuid.New(), "x"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(reports) == 0 || !strings.Contains(reports[0].Error(), "move it away") {
		t.Errorf("reports %v", reports)
	}
	wantVerdict(t, verify(t, path), integrity.Tampered)
	if err := os.Remove(firstSegment(path)); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != 4 {
		t.Errorf("%d records", r.Records)
	}
}

// Where nothing is left that says what was there, a person must decide.
func TestNothingLeft(t *testing.T) {
	path := closedJournal(t)
	for _, suffix := range []string{"", ".head"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		_, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k')})
		if !errors.Is(err, journal.ErrTruncated) || !strings.Contains(err.Error(), "--new-chain") {
			t.Fatalf("open: %v", err)
		}
	}
	j := open(t, path, func(o *journal.Options) { o.NewChain = "the disk was lost" })
	appendOne(t, j, record(uuid.New(), "x"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

func TestNewChain(t *testing.T) {
	path := closedJournal(t)
	old := readFile(t, path)
	before := verify(t, path)
	running := open(t, path)
	j := open(t, path, func(o *journal.Options) { o.NewChain = `a "test"` })
	appendOne(t, j, record(uuid.New(), "x"))
	// A writer of the old chain does not write into the new one.
	err := running.Append(t.Context(), []journal.Record{record(uuid.New(), "y")}, make([]journal.Receipt, 1))
	if !errors.Is(err, journal.ErrReplaced) {
		t.Errorf("append to the old chain: %v", err)
	}
	_ = running.Close()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != 1 || r.Chain == before.Chain || !strings.Contains(strings.Join(r.Proven, "\n"), before.Chain) {
		t.Errorf("%+v", r)
	}
	reader, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	line, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	g, err := integrity.ParseGenesis(line)
	if err != nil || g.Follows == nil || g.Follows.Chain != before.Chain || g.Follows.Reason != `a "test"` || g.Follows.Seq == 0 {
		t.Fatalf("genesis %+v, %v", g, err)
	}
	kept := filepath.Join(filepath.Dir(path), g.Follows.KeptIn, "audit.jsonl")
	if b := readFile(t, kept); !bytes.HasPrefix(b, old) {
		t.Error("the old chain was not kept")
	}
	wantVerdict(t, verify(t, kept), integrity.Verified)
}

func TestRestored(t *testing.T) {
	path := closedJournal(t)
	backup := map[string][]byte{"": readFile(t, path), ".head": readFile(t, path+".head")}
	j := open(t, path)
	lost := record(uuid.New(), "lost")
	appendOne(t, j, lost)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for suffix, b := range backup {
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j = open(t, path, func(o *journal.Options) { o.Restored = "disk died" })
	if rc := appendOne(t, j, lost); rc.Duplicate {
		t.Error("a record that is lost counts as sealed")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.PartlyProven)
	wantBreak(t, r, integrity.BreakRestored)
	if r.Breaks[0].Reason != "disk died" || r.Records != 4 {
		t.Errorf("%+v", r)
	}
}

// An older copy of the whole folder is as true as it was then: nothing in it
// can show that it is old. The report says as of when, and that this is all.
func TestOlderCopyOfTheFolder(t *testing.T) {
	path := closedJournal(t)
	then := map[string][]byte{}
	for _, suffix := range []string{"", ".head", ".ids", ".lock"} {
		then[suffix] = readFile(t, path+suffix)
	}
	j := open(t, path, rotating(journal.Rotation{MaxSize: 1}))
	appendOne(t, j, record(uuid.New(), "later"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	for suffix, b := range then {
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	said := strings.Join(append(r.Proven, r.NotProven...), "\n")
	for _, want := range []string{integrity.FormatTime(r.Watermark.Time), "no newer copy of this folder exists"} {
		if !strings.Contains(said, want) {
			t.Errorf("the report does not say %q:\n%s", want, said)
		}
	}
}

// With one file of the copy older than the rest, it shows.
func TestOlderCopyOfOneFile(t *testing.T) {
	for _, c := range []struct {
		suffix string
		want   integrity.Verdict
	}{{"", integrity.Truncated}, {".head", integrity.Verified}} {
		path := closedJournal(t)
		then := readFile(t, path+c.suffix)
		j := open(t, path)
		appendOne(t, j, record(uuid.New(), "later"))
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+c.suffix, then, 0o600); err != nil {
			t.Fatal(err)
		}
		r := verify(t, path)
		wantVerdict(t, r, c.want)
		// An older watermark hides nothing: the lines beyond it are there.
		if c.suffix == ".head" && r.Unacknowledged == 0 {
			t.Errorf("%+v", r)
		}
	}
}

// What has the name of the finished segment, whatever it is, keeps no damaged
// journal shut, and is not overwritten.
func TestPlantedInTheWayOfABreak(t *testing.T) {
	for name, plant := range map[string]func(p string) error{
		"folder":  func(p string) error { return os.Mkdir(p, 0o700) },
		"symlink": func(p string) error { return os.Symlink("/nowhere", p) },
		"fifo":    func(p string) error { return syscall.Mkfifo(p, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			path := closedJournal(t)
			if err := errors.Join(plant(firstSegment(path)), os.Truncate(path, 100)); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(firstSegment(path))
			if err != nil {
				t.Fatal(err)
			}
			j := open(t, path)
			appendOne(t, j, record(uuid.New(), "x"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if after, err := os.Lstat(firstSegment(path)); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was replaced: %v", err)
			}
			r := verify(t, path)
			if r.Verdict.ExitCode() != 3 || len(r.Breaks) != 1 || r.Breaks[0].KeptIn == "" {
				t.Errorf("%s, breaks %+v", r.Verdict, r.Breaks)
			}
		})
	}
}

// A line behind the end of a finished file is no leftover.
func TestLineBehindAFinishedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	appendOne(t, j, record(uuid.New(), "x"))
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b := readFile(t, firstSegment(path))
	appendRaw(t, firstSegment(path), string(b[bytes.LastIndexByte(b[:len(b)-1], '\n')+1:]))
	r := verify(t, path)
	wantVerdict(t, r, integrity.Tampered)
	if bad := r.First(); bad.Kind != integrity.Inserted || bad.File != firstSegment(path) || bad.Line != 4 {
		t.Errorf("%+v", bad)
	}
}

// A chain whose last file was emptied goes on behind the one before, also
// without a watermark and with an unmarked lock.
func TestEmptiedBehindFinishedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	appendOne(t, j, record(uuid.New(), "x"))
	chain := j.Chain()
	if err := errors.Join(j.Rotate(t.Context()), j.Close()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Truncate(path, 0), os.Truncate(path+".lock", 0), os.Remove(path+".head")); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	appendOne(t, j, record(uuid.New(), "y"))
	if j.Chain() != chain {
		t.Error("a new chain was begun")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.PartlyProven)
	wantBreak(t, r, integrity.BreakNoWatermark)
}

func TestNamesOfJournals(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"audit-00000000000000000048.jsonl", "audit-00000000000000000048.jsonl.zst", "a.zst", "a.jsonl.lock", "a.head",
		strings.Repeat("n", 230),
	} {
		_, err := journal.Open(t.Context(), filepath.Join(dir, name), journal.Options{Key: testKey(t, 'k')})
		if !errors.Is(err, journal.ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
	long := filepath.Join(dir, strings.Repeat("n", 220))
	j := open(t, long, rotating(journal.Rotation{MaxSize: 1, Compress: true}))
	for range 3 {
		appendOne(t, j, record(uuid.New(), "x"))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, long), integrity.Verified)
}
