// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
)

// The histories of TestCrashes: AUDITCHAIN_CRASH_HISTORIES of them, with the
// seeds from AUDITCHAIN_CRASH_SEED on. AUDITCHAIN_TORTURE_TABLE=1, or -v, prints
// a table of what they came to (go test shows it with -v, or where it is run
// without naming a package).
const (
	envHistories = "AUDITCHAIN_CRASH_HISTORIES"
	envSeed      = "AUDITCHAIN_CRASH_SEED"
	envTable     = "AUDITCHAIN_TORTURE_TABLE"

	shortHistories = 500
)

func envNumber(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// From a seed, a history: journals are opened, records appended, calls fail,
// the power fails or the process is killed, at any change that anything makes
// on the disk, up to five times. Whatever happens, what was acknowledged is
// there, once, in its place; the verdict is none that accuses anybody; and the
// journal goes on.
//
// The same seed is the same history, but for the bytes of random ids and for
// the digits of the process id and the length of the host's name, which stand
// in the journal and may move where a write is torn.
func TestCrashes(t *testing.T) {
	n, first := envNumber(t, envHistories, shortHistories), envNumber(t, envSeed, 1)
	if testing.Short() {
		n = min(n, 100)
	}
	summary := crashSummary{}
	var mu sync.Mutex // guards summary and found
	found := 0
	dir := t.TempDir()
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := first + next.Add(1) - 1
				if seed >= first+n {
					return
				}
				kind := kindOf(seed)
				h, err := runCrashHistory(t, dir, seed, kind)
				mu.Lock()
				summary.add(kind.name, &h.tally)
				if err != nil {
					if found++; found <= maxFindings {
						t.Errorf("seed %d (%s): %v\nto repeat it: %s=%d %s=1 go test -run '^TestCrashes$' ./audit/journal\n%s",
							seed, kind.name, err, envSeed, seed, envHistories, strings.Join(h.trace, "\n"))
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if found > maxFindings {
		t.Errorf("%d histories in all ended badly", found)
	}
	if testing.Verbose() || os.Getenv(envTable) == "1" {
		fmt.Printf("%s\n%s", summary, summary.table(crashKinds))
	}
	checkCoverage(t, summary, n)
}

// Histories that ended badly once. A change of the journal makes others of them,
// so what was wrong has a test of its own as well: headfault_test.go,
// TestKeptIsChecked.
func TestCrashesThatEndedBadly(t *testing.T) {
	dir := t.TempDir()
	for _, seed := range []uint64{7791, 8886, 12639, 17735, 18662, 206191} {
		if h, err := runCrashHistory(t, dir, seed, kindOf(seed)); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, strings.Join(h.trace, "\n"))
		}
	}
}

// What was set aside stays as it is, but for spaces of an erasure, which stay
// when retention has removed what was erased.
func TestKeptIsChecked(t *testing.T) {
	h := newCrashHistory(t.TempDir(), 1, crashKinds[0], testKey(t, 'k'))
	name := h.path + ".torn-9"
	was := []byte("a crash left this")
	sum := sha256.Sum256(was)
	line := integrity.Line{Seq: 9, MAC: integrity.Hash{9}, Payload: integrity.ControlPayload(integrity.Recovered{
		Control: integrity.ControlRecovered, Bytes: int64(len(was)), SHA256: hex.EncodeToString(sum[:]), KeptIn: filepath.Base(name),
	})}
	for _, c := range []struct {
		now    string
		orders bool
		lost   bool
	}{
		{string(was), false, false},
		{"a crash      this", false, true},
		{"a crash      this", true, false},
		{"a crash gave this", true, true},
		{"a crash left", true, true},
		{"", true, true},
	} {
		f, err := h.disk.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err == nil {
			_, err = f.WriteAt([]byte(c.now), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		h.orders = c.orders
		if err := h.checkKept(line); errors.Is(err, errLost) != c.lost {
			t.Errorf("%q, erasures ordered %v: %v", c.now, c.orders, err)
		}
	}
}

// maxFindings is how many histories that end badly are told in full.
const maxFindings = 5

func runCrashHistory(t *testing.T, parent string, seed uint64, kind crashKind) (*crashHistory, error) {
	dir := filepath.Join(parent, strconv.FormatUint(seed, 10))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Error(err)
	}
	defer os.RemoveAll(dir)
	h := newCrashHistory(dir, seed, kind, testKey(t, 'k'))
	h.signer = testSigner(t, 's')
	err := h.run()
	return h, err
}

// checkCoverage makes sure that the histories did what they are for.
func checkCoverage(t *testing.T, s crashSummary, n uint64) {
	if n < shortHistories {
		return
	}
	sum := s.total()
	if sum.crashes < int(n) || sum.acknowledged < int(n)*10 || sum.acknowledged >= sum.appended {
		t.Errorf("the histories are too dull: %s", s)
	}
	if sum.keys < int(n)/50 || sum.epochs < 5 {
		t.Errorf("the keys of the histories are too dull: %s", s)
	}
	if sum.checkpoints < int(n) || sum.given < int(n)/2 {
		t.Errorf("%d checkpoints were looked at, %d of them given away", sum.checkpoints, sum.given)
	}
	if sum.signers < int(n)/50 || sum.erased < int(n)/10 || sum.tombstones < int(n)/10 {
		t.Errorf("the signers and erasures of the histories are too dull: %s", s)
	}
	for _, want := range []string{"verified", "verified, crash tail", "not begun"} {
		if sum.verdicts[want] == 0 {
			t.Errorf("no crash led to the verdict %q", want)
		}
	}
	for _, k := range crashKinds {
		if len(k.calls) > 0 && s[k.name].injected == 0 {
			t.Errorf("no fault was met: %s", k.name)
		}
	}
}

// The harness must see what it is for: on a disk that lies about syncing,
// acknowledged records are lost, and in the same histories on an honest one
// they are not.
func TestCrashesNegativeControl(t *testing.T) {
	const seeds = 50
	dir := t.TempDir()
	for seed := uint64(1); seed <= seeds; seed++ {
		if h, err := runCrashHistory(t, dir, seed, crashKind{name: "power failure"}); err != nil {
			t.Fatalf("seed %d, on an honest disk: %v\n%s", seed, err, strings.Join(h.trace, "\n"))
		}
		h, err := runCrashHistory(t, dir, seed, crashKind{name: "no sync", disk: crashfs.Options{NoSync: true}})
		if h.tally.lost > 0 && err != nil {
			t.Logf("seed %d: %d acknowledged records lost", seed, h.tally.lost)
			return
		}
	}
	t.Errorf("in %d histories on a disk that never syncs, no lost record was found", seeds)
}
