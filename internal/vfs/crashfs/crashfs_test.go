// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package crashfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
)

const root = "/disk"

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func disk(seed uint64, o crashfs.Options) *crashfs.FS { return crashfs.New(root, seeded(seed), o) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, d *crashfs.FS, name string) vfs.File {
	t.Helper()
	f, err := d.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	return f
}

func put(t *testing.T, f vfs.File, text string, off int64) {
	t.Helper()
	if n, err := f.WriteAt([]byte(text), off); err != nil || n != len(text) {
		t.Fatalf("wrote %d bytes of %d: %v", n, len(text), err)
	}
}

// outcomes runs a program once a seed, and returns how often each state was
// found after the crash. look says what there is to see.
func outcomes(t *testing.T, o crashfs.Options, program func(d *crashfs.FS), look func(d *crashfs.FS) string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for seed := range uint64(300) {
		d := disk(seed, o)
		program(d)
		seen[look(d.Crash(seeded(seed+1000)))]++
	}
	return seen
}

func content(name string) func(*crashfs.FS) string {
	return func(d *crashfs.FS) string {
		b, err := d.ReadFile(name)
		if err != nil {
			return "gone"
		}
		return string(b)
	}
}

// wantOutcomes demands that just these states were found, each of them.
func wantOutcomes(t *testing.T, got map[string]int, want ...string) {
	t.Helper()
	for _, w := range want {
		if got[w] == 0 {
			t.Errorf("never found %q", w)
		}
	}
	for g, n := range got {
		if !slices.Contains(want, g) {
			t.Errorf("found %q %d times", g, n)
		}
	}
}

const a = root + "/a"

func TestDataNeedsSync(t *testing.T) {
	program := func(sync bool) func(d *crashfs.FS) {
		return func(d *crashfs.FS) {
			f := create(t, d, a)
			must(t, d.SyncDir(root))
			put(t, f, "xy", 0)
			if sync {
				must(t, f.Sync())
			}
		}
	}
	wantOutcomes(t, outcomes(t, crashfs.Options{}, program(false), content(a)), "", "x", "xy", "\x00", "\x00\x00", "x\x00")
	wantOutcomes(t, outcomes(t, crashfs.Options{}, program(true), content(a)), "xy")
	wantOutcomes(t, outcomes(t, crashfs.Options{NoSync: true}, program(true), content(a)), "gone", "", "x", "xy", "\x00", "\x00\x00", "x\x00")
}

func TestNamesNeedSyncDir(t *testing.T) {
	create := func(d *crashfs.FS) {
		f := create(t, d, a)
		put(t, f, "x", 0)
		must(t, f.Sync())
	}
	wantOutcomes(t, outcomes(t, crashfs.Options{}, create, content(a)), "gone", "x")
	synced := func(d *crashfs.FS) { create(d); must(t, d.SyncDir(root)) }
	wantOutcomes(t, outcomes(t, crashfs.Options{}, synced, content(a)), "x")
	removed := func(d *crashfs.FS) { synced(d); must(t, d.Remove(a)) }
	wantOutcomes(t, outcomes(t, crashfs.Options{}, removed, content(a)), "gone", "x")
	syncedAgain := func(d *crashfs.FS) { removed(d); must(t, d.SyncDir(root)) }
	wantOutcomes(t, outcomes(t, crashfs.Options{}, syncedAgain, content(a)), "gone")
}

func list(dirs ...string) func(*crashfs.FS) string {
	return func(d *crashfs.FS) (s string) {
		for _, dir := range dirs {
			names, err := d.ReadDir(dir)
			if err != nil {
				names = []string{"-"}
			}
			s += fmt.Sprint(names)
		}
		return s
	}
}

func TestNamesKeepTheirOrder(t *testing.T) {
	got := outcomes(t, crashfs.Options{}, func(d *crashfs.FS) {
		create(t, d, a)
		must(t, d.Rename(a, root+"/b"))
		create(t, d, a)
	}, list(root))
	wantOutcomes(t, got, "[]", "[a]", "[b]", "[a b]")
}

// Two directories lose names each for itself, and a rename from one to the
// other never loses or doubles a file.
func TestTwoDirectories(t *testing.T) {
	one, two := root+"/one", root+"/two"
	begin := func(d *crashfs.FS) {
		must(t, d.Mkdir(one, 0o700))
		must(t, d.Mkdir(two, 0o700))
		must(t, d.SyncDir(root))
	}
	got := outcomes(t, crashfs.Options{}, func(d *crashfs.FS) {
		begin(d)
		create(t, d, one+"/a")
		create(t, d, two+"/b")
	}, list(one, two))
	wantOutcomes(t, got, "[][]", "[a][]", "[][b]", "[a][b]")

	for _, sync := range []string{"", one, two} {
		got = outcomes(t, crashfs.Options{}, func(d *crashfs.FS) {
			begin(d)
			create(t, d, one+"/a")
			must(t, d.SyncDir(one))
			must(t, d.Rename(one+"/a", two+"/a"))
			if sync != "" {
				must(t, d.SyncDir(sync))
			}
		}, list(one, two))
		if sync == "" {
			wantOutcomes(t, got, "[a][]", "[][a]")
		} else {
			wantOutcomes(t, got, "[][a]")
		}
	}

	// What is in a directory does not outlive its name.
	got = outcomes(t, crashfs.Options{}, func(d *crashfs.FS) {
		must(t, d.Mkdir(one, 0o700))
		create(t, d, one+"/a")
		must(t, d.SyncDir(one))
	}, list(root, one))
	wantOutcomes(t, got, "[][-]", "[one][a]")
}

// Writes since the last sync survive in any combination, whole sectors whole.
func TestSectorsAreReordered(t *testing.T) {
	var both bytes.Buffer
	for _, c := range "ab" {
		both.Write(bytes.Repeat([]byte{byte(c)}, 512))
	}
	look := func(d *crashfs.FS) string {
		b, _ := d.ReadFile(a)
		s := ""
		for ; len(b) > 0; b = b[min(512, len(b)):] {
			part := b[:min(512, len(b))]
			if torn := bytes.Count(part, part[:1]) != len(part); torn || len(part) < 512 && part[0] != 0 {
				s += "~"
			} else {
				s += string(part[:1])
			}
		}
		return s
	}
	program := func(d *crashfs.FS) {
		f := create(t, d, a)
		must(t, d.SyncDir(root))
		put(t, f, both.String(), 0)
	}
	whole := []string{"", "a", "ab", "\x00", "\x00\x00", "a\x00", "\x00b"}
	wantOutcomes(t, outcomes(t, crashfs.Options{}, program, look), whole...)
	got := outcomes(t, crashfs.Options{TearSectors: true}, program, look)
	if got["~"] == 0 || got["a~"] == 0 || got["\x00~"] == 0 {
		t.Errorf("no sector is torn: %v", got)
	}
}

func TestTruncateNeedsSync(t *testing.T) {
	begin := func(d *crashfs.FS) vfs.File {
		f := create(t, d, a)
		must(t, d.SyncDir(root))
		put(t, f, "abc", 0)
		must(t, f.Sync())
		must(t, f.Truncate(1))
		return f
	}
	got := outcomes(t, crashfs.Options{}, func(d *crashfs.FS) { begin(d) }, content(a))
	wantOutcomes(t, got, "abc", "a")
	got = outcomes(t, crashfs.Options{}, func(d *crashfs.FS) { must(t, begin(d).Sync()) }, content(a))
	wantOutcomes(t, got, "a")
}

// What a failed sync did not write stays readable, is not written by the next
// one, and is gone after a crash.
func TestFailedSyncLosesForGood(t *testing.T) {
	got := outcomes(t, crashfs.Options{}, func(d *crashfs.FS) {
		f := create(t, d, a)
		must(t, d.SyncDir(root))
		put(t, f, "old", 0)
		must(t, f.Sync())
		put(t, f, "new", 0)
		d.Inject(crashfs.Fault{Call: crashfs.Sync, Times: 1})
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		b := make([]byte, 3)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "new" {
			t.Fatalf("%q %v", b, err)
		}
		put(t, f, "!", 3)
		must(t, f.Sync())
		if d.Injected() != 1 {
			t.Fatal("no fault")
		}
	}, content(a))
	wantOutcomes(t, got, "old!", "new!")
}

func TestFaults(t *testing.T) {
	d := disk(1, crashfs.Options{})
	f := create(t, d, a)
	for _, c := range []struct {
		call crashfs.Call
		do   func() error
	}{
		{crashfs.Open, func() error { _, err := d.OpenFile(a, os.O_RDONLY, 0); return err }},
		{crashfs.Create, func() error { _, err := d.OpenFile(root+"/new", os.O_CREATE|os.O_RDWR, 0o600); return err }},
		{crashfs.Lstat, func() error { _, err := d.Lstat(a); return err }},
		{crashfs.Read, func() error { _, err := f.ReadAt(nil, 0); return err }},
		{crashfs.Write, func() error { _, err := f.WriteAt([]byte("abc"), 0); return err }},
		{crashfs.Truncate, func() error { return f.Truncate(0) }},
		{crashfs.Sync, f.Sync},
		{crashfs.SyncDir, func() error { return d.SyncDir(root) }},
		{crashfs.Rename, func() error { create(t, d, root+"/r"); return d.Rename(root+"/r", root+"/s") }},
		{crashfs.Remove, func() error { create(t, d, root+"/r"); return d.Remove(root + "/r") }},
		{crashfs.Mkdir, func() error { _ = d.Remove(root + "/dir"); return d.Mkdir(root+"/dir", 0o700) }},
		{crashfs.ReadDir, func() error { _, err := d.ReadDir(root); return err }},
	} {
		must(t, c.do())
		d.Inject(crashfs.Fault{Call: c.call, Skip: 1, Times: 2, Err: syscall.ENOSPC})
		var got []bool
		for range 4 {
			err := c.do()
			if err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: %v", c.call, err)
			}
			got = append(got, err != nil)
		}
		if !slices.Equal(got, []bool{false, true, true, false}) {
			t.Errorf("%s failed: %v", c.call, got)
		}
		d.Heal()
	}
}

func TestDiskFullWritesAPart(t *testing.T) {
	lengths := map[int]bool{}
	for seed := range uint64(100) {
		d := disk(seed, crashfs.Options{})
		f := create(t, d, a)
		d.Inject(crashfs.Fault{Call: crashfs.Write, Suffix: "a", Times: -1, Err: syscall.ENOSPC})
		n, err := f.WriteAt([]byte("abcd"), 0)
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if b, _ := d.ReadFile(a); string(b) != "abcd"[:n] {
			t.Errorf("%d bytes written, and %q is there", n, b)
		}
		lengths[n] = true
	}
	if len(lengths) != 5 {
		t.Errorf("parts of these lengths were written: %v", lengths)
	}
}

// The nth change is the last, whatever it is, and then nothing goes.
func TestCrashAt(t *testing.T) {
	program := func(d *crashfs.FS) (done int, err error) {
		step := func(do func() error) {
			if err == nil {
				if err = do(); err == nil {
					done++
				}
			}
		}
		var f vfs.File
		step(func() (err error) { f, err = d.OpenFile(a, os.O_RDWR|os.O_CREATE, 0o600); return })
		step(func() error { _, err := f.WriteAt([]byte("x"), 0); return err })
		step(func() error { return f.Sync() })
		step(func() error { return f.Truncate(0) })
		step(func() error { return d.SyncDir(root) })
		step(func() error { return d.Mkdir(root+"/dir", 0o700) })
		step(func() error { return d.Rename(a, root+"/b") })
		step(func() error { return d.Remove(root + "/b") })
		return done, err
	}
	for n := 1; n <= 8; n++ {
		d := disk(uint64(n), crashfs.Options{})
		d.CrashAt(n)
		if done, err := program(d); done != n-1 || !errors.Is(err, crashfs.ErrCrashed) || !d.Crashed() {
			t.Errorf("crash at %d: %d steps, %v", n, done, err)
		}
		if _, err := d.Lstat(root); !errors.Is(err, crashfs.ErrCrashed) {
			t.Errorf("after the crash: %v", err)
		}
		if d := d.Crash(seeded(1)); d.Crashed() {
			t.Error("still no power")
		} else if _, err := d.Lstat(root); err != nil {
			t.Error(err)
		}
	}
	d := disk(1, crashfs.Options{})
	if done, err := program(d); done != 8 || err != nil || d.Changes() != 8 {
		t.Errorf("without a crash: %d steps, %d changes, %v", done, d.Changes(), err)
	}
}

func TestLocks(t *testing.T) {
	d := disk(1, crashfs.Options{})
	f, g := create(t, d, a), create(t, d, a)
	try := func(f vfs.File, exclusive, want bool) {
		t.Helper()
		if ok, err := f.TryLock(exclusive); err != nil || ok != want {
			t.Errorf("exclusive %v: %v %v, want %v", exclusive, ok, err, want)
		}
	}
	try(f, true, true)
	try(f, true, true)
	try(g, true, false)
	try(g, false, false)
	try(f, false, true)
	try(g, false, true)
	try(f, true, false)
	must(t, g.Unlock())
	try(f, true, true)
	must(t, f.Close())
	try(g, true, true)
	must(t, d.SyncDir(root))
	killed := d.Kill()
	if _, err := g.ReadAt(nil, 0); !errors.Is(err, crashfs.ErrCrashed) {
		t.Errorf("a killed process reads: %v", err)
	}
	try(create(t, killed, a), true, true)
	try(create(t, killed.Crash(seeded(1)), a), true, true)
}

// A killed process loses nothing, and a crash after it what was not synced.
func TestKill(t *testing.T) {
	program := func(d *crashfs.FS) *crashfs.FS {
		put(t, create(t, d, a), "x", 0)
		d = d.Kill()
		if got := content(a)(d); got != "x" {
			t.Fatalf("after a kill: %q", got)
		}
		return d
	}
	seen := map[string]int{}
	for seed := range uint64(300) {
		seen[content(a)(program(disk(seed, crashfs.Options{})).Crash(seeded(seed+1000)))]++
	}
	wantOutcomes(t, seen, "gone", "", "\x00", "x")
}

func TestSameFileAndLinks(t *testing.T) {
	d := disk(1, crashfs.Options{})
	f := create(t, d, a)
	g := create(t, d, root+"/b")
	open, err := f.Stat()
	must(t, err)
	other, err := g.Stat()
	must(t, err)
	named, err := d.Lstat(a)
	must(t, err)
	if !vfs.SameFile(open, named) || vfs.SameFile(open, other) {
		t.Error("which file it is, is not seen")
	}
	if vfs.Links(open) != 1 || !open.Mode().IsRegular() || open.Mode().Perm() != 0o600 || open.Name() != "a" {
		t.Errorf("%d links, mode %v, name %q", vfs.Links(open), open.Mode(), open.Name())
	}
	must(t, d.Rename(root+"/b", a))
	named, err = d.Lstat(a)
	must(t, err)
	if vfs.SameFile(open, named) || !vfs.SameFile(other, named) {
		t.Error("a file that was replaced passes for what it was")
	}
	// The real ones, alone and beside those in memory.
	real := filepath.Join(t.TempDir(), "real")
	r, err := vfs.OS.OpenFile(real, os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	defer r.Close()
	x, err := r.Stat()
	must(t, err)
	y, err := vfs.OS.Lstat(real)
	must(t, err)
	if !vfs.SameFile(x, y) || vfs.SameFile(x, open) || vfs.SameFile(open, x) || vfs.Links(x) != 1 {
		t.Error("the operating system's files are told apart wrongly")
	}
}

func TestErrorsOfTheSystem(t *testing.T) {
	d := disk(1, crashfs.Options{})
	f := create(t, d, a)
	must(t, d.Mkdir(root+"/dir", 0o700))
	create(t, d, root+"/dir/x")
	for i, c := range []struct {
		err  error
		want error
	}{
		{second(d.OpenFile(root+"/none", os.O_RDWR, 0)), fs.ErrNotExist},
		{second(d.OpenFile(a, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0)), fs.ErrExist},
		{second(d.OpenFile("/elsewhere/x", os.O_RDWR|os.O_CREATE, 0)), fs.ErrNotExist},
		{second(d.OpenFile(a+"/x", os.O_RDWR|os.O_CREATE, 0)), syscall.ENOTDIR},
		{second(d.Lstat(root + "/none")), fs.ErrNotExist},
		{d.Remove(root + "/none"), fs.ErrNotExist},
		{d.Remove(root + "/dir"), syscall.ENOTEMPTY},
		{d.Rename(root+"/none", a), fs.ErrNotExist},
		{d.Mkdir(a, 0o700), fs.ErrExist},
		{second(d.ReadDir(a)), syscall.ENOTDIR},
		{d.SyncDir(root + "/none"), fs.ErrNotExist},
		{errors.Join(f.Close(), f.Close()), fs.ErrClosed},
		{second(f.ReadAt(nil, 0)), fs.ErrClosed},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%d: %v, want %v", i, c.err, c.want)
		}
	}
	r, err := d.OpenFile(a, os.O_RDONLY, 0)
	must(t, err)
	if _, err := r.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a write to a file opened for reading: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A removed file stays what it is to whoever has it open.
func TestRemovedAndOpen(t *testing.T) {
	d := disk(1, crashfs.Options{})
	f := create(t, d, a)
	must(t, d.Remove(a))
	put(t, f, "x", 0)
	must(t, f.Sync())
	put(t, create(t, d, a), "other", 0)
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "x" {
		t.Errorf("%q %v", b, err)
	}
}

func TestSameSeedSameDisk(t *testing.T) {
	run := func() string {
		d := disk(7, crashfs.Options{TearSectors: true})
		for i := range 20 {
			f := create(t, d, fmt.Sprint(root, "/", i))
			put(t, f, string(bytes.Repeat([]byte{byte(i)}, 3000)), 0)
		}
		d = d.Crash(seeded(8))
		s := list(root)(d)
		for i := range 20 {
			s += content(fmt.Sprint(root, "/", i))(d)
		}
		return s
	}
	if run() != run() {
		t.Error("the same seed lost something else")
	}
}

func TestManyGoroutines(t *testing.T) {
	d := disk(1, crashfs.Options{})
	d.CrashAt(500)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			name := fmt.Sprint(root, "/", g%3)
			for {
				f, err := d.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
				if err != nil {
					return
				}
				_, _ = f.WriteAt([]byte("x"), int64(g))
				_, _ = f.TryLock(g%2 == 0)
				_ = f.Sync()
				_ = d.SyncDir(root)
				_ = f.Close()
			}
		})
	}
	wg.Wait()
	if !d.Crashed() || d.Changes() != 500 {
		t.Errorf("%d changes", d.Changes())
	}
}
