// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/processor/redact"
)

func (a *app) redactCommand() *cobra.Command {
	var asJSON, reportOnly, fingerprint, check bool
	var redaction redactionFlags
	cmd := &cobra.Command{
		Use:   "redact [--check-rules FILE...]",
		Short: "Mask secrets in a stream of lines",
		Long: `Reads lines from standard input and writes them to standard output with every
secret that is found replaced by [REDACTED:<kind>...]. What was masked is
counted by kind on standard error.

Without --json a line is text. With --json a line is one JSON value, which is
walked as a value: names of members count, secrets in nested JSON texts are
found, and one JSON value a line comes out, in the same order. A line that is
not JSON is then redacted as text, reported, and makes the exit code 4.

Lines and their ends stay as they are, except that a private key in PEM form
becomes one line; with --json it is masked in each of its lines. The input is
never held as a whole: a line longer than 32 MiB is not passed on,
[REDACTED:too-large] stands in its place (a JSON string with --json), and the
exit code is 4. So it is with [REDACTED:error] where
redaction itself fails.

With --report-only every line is passed on as it came, and what would have been
masked is counted: to try a policy. The exit code is what it would be without.

With --fingerprint-key-file, the mask of a secret has a fingerprint under that
key: equal secrets can be matched without being revealed.

` + fingerprintHelp + `

--rules adds rules and allow-lists of your own, from YAML files. --check-rules
reads no input: it reads such files, runs the test lines in them and names the
lines that are wrong.

Personal data stays unless --pii says what becomes of it.

` + exitCodes(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		Example: `  auditchain redact < app.log > app.redacted.log
  journalctl -o json -u agent | auditchain redact --json | jq .MESSAGE
  auditchain redact --report-only < app.log > /dev/null
  auditchain redact --fingerprint --fingerprint-key-file fp.key < leaked-token.txt
  auditchain redact --pii all=mask,ip=truncate < access.log
  auditchain redact --check-rules rules.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if check {
				return nil
			}
			switch {
			case len(args) > 0 && fingerprint:
				return errSecretArgument
			case len(args) > 0:
				return usagef("no arguments are wanted: what is redacted is read from standard input") // not quoted: it may hold a secret
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case check && (fingerprint || reportOnly):
				return usagef("--check-rules goes with neither --fingerprint nor --report-only")
			case check:
				return a.checkRules(cmd, &redaction, args)
			case fingerprint && reportOnly:
				return usagef("--fingerprint and --report-only exclude each other")
			case fingerprint && redaction.fingerprintKey == "":
				return usagef("--fingerprint needs the key: give --fingerprint-key-file")
			}
			r, err := redaction.redactor()
			if err != nil {
				return err
			}
			if fingerprint {
				return a.fingerprint(cmd.Context(), r, asJSON)
			}
			f := newFilter(r, a.stdout, a.stderr)
			f.json = asJSON
			if reportOnly {
				f.reportTo(a.stdout)
			}
			err = f.run(cmd.Context(), a.stdin)
			f.summary(a.stderr)
			if err == nil && f.refused > 0 {
				return exitWith(exitIncomplete)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "a line is one JSON value, in and out")
	cmd.Flags().BoolVar(&reportOnly, "report-only", false, "pass every line on as it came, and count what would be masked")
	cmd.Flags().BoolVar(&fingerprint, "fingerprint", false, "read one secret, and print what its masks end in")
	cmd.Flags().BoolVar(&check, "check-rules", false, "check the rule files that are named, and run the tests in them")
	redaction.add(cmd)
	return cmd
}

// filter redacts a stream.
type filter struct {
	fresh   func() lineScanner // makes one
	scan    lineScanner
	out     *bufio.Writer
	pass    *errWriter // with --report-only: what is read goes there as it is, and out nowhere
	warn    io.Writer
	json    bool
	buf     []byte
	key     keyBlock
	held    []byte // the lines of a private key, to be masked as one
	lines   int64
	refused int64
	counts  map[redact.Kind]int
}

// lineScanner is what is used of redact.Scanner; a seam for tests.
type lineScanner interface {
	Root() redact.Place
	Text(redact.Place, string) (string, bool)
	JSON(dst []byte, p redact.Place, text string) ([]byte, redact.Form)
	Counts() []redact.KindCount
	Reset()
}

func newFilter(r *redact.Redactor, out, warn io.Writer) *filter {
	f := &filter{fresh: func() lineScanner { return r.Scanner() }, out: bufio.NewWriterSize(out, 64<<10),
		counts: map[redact.Kind]int{}, warn: warn}
	f.scan = f.fresh()
	return f
}

// reportTo makes f pass on to w what it reads, byte for byte and at once,
// whatever comes of looking at it.
func (f *filter) reportTo(w *errWriter) {
	f.pass = w
	f.out.Reset(io.Discard)
}

func (f *filter) run(ctx context.Context, in io.Reader) error {
	in = interruptible(ctx, in)
	if f.pass != nil {
		in = io.TeeReader(in, f.pass)
	}
	lines := newLineReader(in)
	for {
		l, err := lines.Next()
		if err != nil {
			ferr := f.flush()
			switch {
			case err == io.EOF:
				return ferr
			case ctx.Err() != nil:
				return &exitError{code: exitInterrupted, err: fmt.Errorf("interrupted after line %d", f.lines)}
			case f.pass != nil && f.pass.failed() != nil:
				return f.pass.failed()
			}
			return fmt.Errorf("standard input, after line %d: %w", f.lines, err)
		}
		f.lines = l.Number
		if err := f.guarded(l, func() error { return f.line(l) }); err != nil {
			return err
		}
		// What was read is passed on before the input is waited for.
		if !lines.Waiting() && len(f.held) == 0 {
			if err := f.out.Flush(); err != nil {
				return err
			}
		}
	}
}

// guarded redacts a line, or what is left at the end of the input. What a panic
// says is not shown, for it may quote the line.
func (f *filter) guarded(l inputLine, redact func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = f.failed(l)
		}
	}()
	return redact()
}

// line redacts one line. The error is one of writing.
func (f *filter) line(l inputLine) error {
	switch {
	case l.TooLong():
		if err := f.release(); err != nil {
			return err
		}
		f.key.cut()
		return f.refuse(l, "too-large", fmt.Sprintf("%d bytes, longer than %d", l.Size, maxLine))
	case f.json:
		return f.jsonLine(l)
	}
	from, to := f.key.next(l.Text)
	if len(f.held) > 0 || f.key.inside() {
		f.held = append(append(f.held, l.Text...), l.End...)
		if f.key.inside() {
			return nil
		}
		return f.release()
	}
	if from < to {
		// It belongs to a key that was too long to be held, and is masked.
		if len(bytes.TrimSpace(l.Text)) == to-from {
			return nil
		}
		return f.text(string(maskKey(l.Text, from, to)), l.End)
	}
	return f.text(string(l.Text), l.End)
}

// refuse puts a marker in the place of a line.
func (f *filter) refuse(l inputLine, kind redact.Kind, why string) error {
	f.refused++
	f.counts[kind]++
	instead := "not passed on"
	if f.pass != nil {
		instead = "not looked through"
	}
	fmt.Fprintf(f.warn, "line %d: %s: %s\n", l.Number, why, instead)
	marker := "[REDACTED:" + string(kind) + "]"
	if f.json {
		marker = `"` + marker + `"`
	}
	return f.write([]byte(marker), l.End)
}

// failed refuses a line whose redaction panicked, with the lines of a private key
// that were held. The scanner that was interrupted is not used again.
func (f *filter) failed(l inputLine) error {
	f.scan, f.held = f.fresh(), f.held[:0]
	f.key.cut()
	return f.refuse(l, "error", "redaction failed")
}

// text redacts a text, which may have several lines in it, and writes it.
func (f *filter) text(s, end string) error {
	out, _ := f.scan.Text(f.scan.Root(), s)
	f.count()
	if _, err := f.out.WriteString(out); err != nil {
		return err
	}
	_, err := f.out.WriteString(end)
	return err
}

func (f *filter) jsonLine(l inputLine) error {
	l.Text = f.withoutKey(l.Text)
	if len(bytes.TrimSpace(l.Text)) == 0 {
		return f.write(l.Text, l.End)
	}
	var form redact.Form
	f.buf, form = f.scan.JSON(f.buf[:0], f.scan.Root(), string(l.Text))
	if form == redact.NotJSON {
		f.scan.Reset()
		if json.Valid(l.Text) {
			return f.jsonScalar(l)
		}
		f.refused++
		fmt.Fprintf(f.warn, "line %d: not JSON, redacted as text\n", l.Number)
		return f.text(string(l.Text), l.End)
	}
	f.count()
	return f.write(f.buf, l.End)
}

// withoutKey is a line without what it has of a private key that began in a line
// before. A line stays a line, and JSON stays JSON.
func (f *filter) withoutKey(line []byte) []byte {
	from, to := f.key.next(line)
	if from == to {
		return line
	}
	masked := maskKey(line, from, to)
	if json.Valid(line) && !json.Valid(masked) {
		// It reaches over the end of a string, or is a number.
		return []byte(`"[REDACTED:private-key]"`)
	}
	return masked
}

// jsonScalar redacts a line that is a JSON value, but no object or array.
func (f *filter) jsonScalar(l inputLine) error {
	out := l.Text
	var s string
	if json.Unmarshal(l.Text, &s) == nil {
		if masked, changed := f.scan.Text(f.scan.Root(), s); changed {
			// White space around it stays, as around any other value.
			from, to := bytes.IndexByte(out, '"'), bytes.LastIndexByte(out, '"')+1
			out = slices.Concat(out[:from], appendJSONString(nil, masked), out[to:])
		}
		f.count()
	} else if text := bytes.TrimSpace(l.Text); !bytes.ContainsAny(text[:1], "tfn") {
		// A number: personal data may be one. It is looked at as that of a list.
		list, form := f.scan.JSON(f.buf[:0], f.scan.Root(), "["+string(text)+"]")
		if f.buf = list; form != redact.NotJSON {
			out = bytes.Replace(out, text, list[1:len(list)-1], 1)
			f.count()
		}
	}
	return f.write(out, l.End)
}

func (f *filter) write(text []byte, end string) error {
	if _, err := f.out.Write(text); err != nil {
		return err
	}
	_, err := f.out.WriteString(end)
	return err
}

// release writes the private key that was held, redacted as one text.
func (f *filter) release() error {
	if len(f.held) == 0 {
		return nil
	}
	block := string(f.held)
	f.held = f.held[:0]
	text := strings.TrimRight(block, "\r\n")
	return f.text(text, block[len(text):])
}

func (f *filter) flush() error {
	if err := f.guarded(inputLine{Number: f.lines, End: "\n"}, f.release); err != nil {
		return err
	}
	return f.out.Flush()
}

func (f *filter) count() {
	for _, c := range f.scan.Counts() {
		f.counts[c.Kind] += c.N
	}
	f.scan.Reset()
}

// summary says what was masked.
func (f *filter) summary(w io.Writer) {
	total := 0
	for _, n := range f.counts {
		total += n
	}
	done := "masked"
	if f.pass != nil {
		done = "found, none masked"
	}
	fmt.Fprintf(w, "%s, %s %s\n", count(f.lines, "line"), count(int64(total), "secret"), done)
	for _, kind := range slices.Sorted(maps.Keys(f.counts)) {
		fmt.Fprintf(w, "  %-28s %d\n", kind, f.counts[kind])
	}
}

// count is n things, in words.
func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
