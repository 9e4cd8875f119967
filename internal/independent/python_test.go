// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/auditchain/auditchain/integrity"
)

const script = "../../docs/verify.py"

// job is a journal for verify.py, or one line, or a proof.
type job struct {
	Journal     string
	KeyFiles    []string
	PublicKey   string
	Checkpoints []string
	Line        *string
	Proof       string
}

// args is the command line that asks it.
func (j job) args() []string {
	var args []string
	for _, f := range j.KeyFiles {
		args = append(args, "--key-file", f)
	}
	for _, f := range j.Checkpoints {
		args = append(args, "--checkpoint", f)
	}
	if j.PublicKey != "" {
		args = append(args, "--public-key", j.PublicKey)
	}
	if j.Proof != "" {
		return append(args, "--proof", j.Proof)
	}
	return append(args, j.Journal)
}

// answer is what it says of one.
type answer struct {
	Verdict string   `json:"verdict"`
	Exit    int      `json:"exit"`
	Bad     *place   `json:"first_bad"`
	Notes   []string `json:"notes"`

	WellFormed bool   `json:"well_formed"`
	Kind       string `json:"kind"`
	Seq        uint64 `json:"seq"`
	Leaf       string `json:"leaf"`
}

type place struct {
	File   string `json:"file"`
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"`
	Seq    uint64 `json:"seq"`
	Kind   string `json:"kind"`
}

// python is verify.py to be run. The test is skipped where there is no Python;
// in CI there must be one.
func python(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3 is missing: docs/verify.py is not tested without it; install it (.ci/run does)")
		}
		t.Skip("no python3")
	}
	// The test runner keeps a result until a file changes that the test itself
	// opened, and it does not see what Python opens.
	if _, err := os.ReadFile(script); err != nil {
		t.Fatal(err)
	}
	// Isolated and without site: there is nothing but the standard library.
	return exec.Command(path, append([]string{"-I", "-S"}, args...)...)
}

// TestSize: verify.py is one file that can be read in one sitting. A feature
// that makes it longer has to pay for itself with what it makes simpler.
func TestSize(t *testing.T) {
	const lines, columns = 468, 120
	if files, err := filepath.Glob("../../docs/*.py"); err != nil || len(files) != 1 {
		t.Errorf("docs has %q, %v; want %s alone", files, err, script)
	}
	b, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\n")); n > lines {
		t.Errorf("%s has %d lines; it should have %d at most", script, n, lines)
	}
	n := 0
	for line := range bytes.Lines(b) {
		if n++; utf8.RuneCount(bytes.TrimSuffix(line, []byte("\n"))) > columns {
			t.Errorf("%s line %d has more than %d characters", script, n, columns)
		}
	}
}

// ask has verify.py judge the jobs, all in one process.
func ask(t *testing.T, jobs []job) []answer {
	t.Helper()
	if len(jobs) == 0 {
		t.Fatal("there is nothing to ask")
	}
	var in bytes.Buffer
	for _, j := range jobs {
		question := any(j.args())
		if j.Line != nil {
			question = *j.Line
		}
		must(json.NewEncoder(&in).Encode(question))
	}
	cmd := python(t, "testdata/batch.py", script)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("verify.py: %v\n%s", err, stderr.Bytes())
	}
	var answers []answer
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("verify.py: %v: %s", err, lines.Bytes())
		}
		answers = append(answers, a)
	}
	if len(answers) != len(jobs) {
		t.Fatalf("verify.py: %d answers to %d jobs", len(answers), len(jobs))
	}
	return answers
}

// same compares all but the kind of the first bad place: verify.py only tells
// what is forged, what is erased, and what is missing from anything else.
func (a answer) same(verdict string, exit int, bad *place) bool {
	if a.Verdict != verdict || a.Exit != exit || (a.Bad == nil) != (bad == nil) {
		return false
	}
	return bad == nil || a.Bad.coarse() == bad.coarse()
}

func (p place) coarse() place {
	switch integrity.BadKind(p.Kind) {
	case integrity.Forged, integrity.ErasedKind, integrity.Missing:
	default:
		p.Kind = "another line than should stand there"
	}
	return p
}
