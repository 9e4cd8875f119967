// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/processor/redact"
)

func (a *app) redactCommand() *cobra.Command {
	var asJSON bool
	var fingerprintKey string
	cmd := &cobra.Command{
		Use:   "redact",
		Short: "Mask secrets in a stream of lines",
		Long: `Reads lines from standard input and writes them to standard output with every
secret that is found replaced by [REDACTED:<kind>...]. What was masked is
counted by kind on standard error.

Without --json a line is text. With --json a line is one JSON value, which is
walked as a value: names of members count, secrets in nested JSON texts are
found, and one JSON value a line comes out, in the same order. A line that is
not JSON is then redacted as text, reported, and makes the exit code 4.

Lines and their ends stay as they are, except that a private key in PEM form
becomes one line. The input is never held as a whole: a line longer than
32 MiB is not passed on, a line [REDACTED:line-too-long] stands in its place and
the exit code is 4.

With --fingerprint-key-file, the mask of a secret has a fingerprint under that
key: equal secrets can be matched without being revealed.

` + exitCodes(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		Example: `  auditchain redact < app.log > app.redacted.log
  journalctl -o json -u agent | auditchain redact --json | jq .MESSAGE`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			scanner, err := newScanner(fingerprintKey)
			if err != nil {
				return err
			}
			f := &filter{scan: scanner, out: bufio.NewWriterSize(a.stdout, 64<<10), json: asJSON,
				counts: map[redact.Kind]int{}, warn: a.stderr}
			err = f.run(cmd.Context(), a.stdin)
			f.summary(a.stderr)
			if err == nil && f.refused > 0 {
				return exitWith(exitIncomplete)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "a line is one JSON value, in and out")
	fingerprintFlag(cmd, &fingerprintKey)
	return cmd
}

func fingerprintFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "fingerprint-key-file", "", "file that holds a key for fingerprints of masked secrets (made by: auditchain key new --static --no-checkpoint-key FILE)")
}

// newRedactor makes the redactor of append and redact: the default
// configuration, and fingerprints when there is a key for them.
func newRedactor(fingerprintKey string) (*redact.Redactor, error) {
	var cfg redact.Config
	if fingerprintKey != "" {
		key, err := keyfile.Load(keyfile.Source{File: fingerprintKey})
		if err != nil {
			return nil, fmt.Errorf("--fingerprint-key-file: %w", err)
		}
		if key.Forward() {
			return nil, fmt.Errorf("--fingerprint-key-file: key %s is forward-secure: with it, fingerprints would not stay the same; make a key with: auditchain key new --static --no-checkpoint-key FILE", key.ID())
		}
		// The same bytes as the Collector's redaction::fingerprint_key uses,
		// so that both give a secret the same fingerprint.
		if cfg.FingerprintKey, err = hex.DecodeString(string(bytes.TrimSpace(key.Text()))); err != nil {
			return nil, fmt.Errorf("--fingerprint-key-file: key %s cannot be used: %w", key.ID(), err)
		}
	}
	return redact.New(cfg)
}

func newScanner(fingerprintKey string) (*redact.Scanner, error) {
	r, err := newRedactor(fingerprintKey)
	if err != nil {
		return nil, err
	}
	return r.Scanner(), nil
}

// filter redacts a stream.
type filter struct {
	scan    *redact.Scanner
	out     *bufio.Writer
	warn    io.Writer
	json    bool
	buf     []byte
	key     keyBlock
	held    []byte // the lines of a private key, to be masked as one
	lines   int64
	refused int64
	counts  map[redact.Kind]int
}

func (f *filter) run(ctx context.Context, in io.Reader) error {
	lines := newLineReader(interruptible(ctx, in))
	for {
		l, err := lines.Next()
		if err != nil {
			ferr := f.flush()
			switch {
			case err == io.EOF:
				return ferr
			case ctx.Err() != nil:
				return &exitError{code: exitInterrupted, err: fmt.Errorf("interrupted after line %d", f.lines)}
			}
			return fmt.Errorf("standard input, after line %d: %w", f.lines, err)
		}
		f.lines = l.Number
		if err := f.line(l); err != nil {
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

// line redacts one line. The error is one of writing.
func (f *filter) line(l inputLine) error {
	switch {
	case l.TooLong():
		if err := f.release(); err != nil {
			return err
		}
		f.key.cut()
		f.refused++
		fmt.Fprintf(f.warn, "line %d: %d bytes, longer than %d: not passed on\n", l.Number, l.Size, maxLine)
		_, err := f.out.WriteString("[REDACTED:line-too-long]" + l.End)
		return err
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

// jsonScalar redacts a line that is a JSON value, but no object or array.
func (f *filter) jsonScalar(l inputLine) error {
	out := l.Text
	var s string
	if json.Unmarshal(l.Text, &s) == nil {
		if masked, changed := f.scan.Text(f.scan.Root(), s); changed {
			out = appendJSONString(nil, masked)
		}
		f.count()
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
	if err := f.release(); err != nil {
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
	fmt.Fprintf(w, "%s, %s masked\n", count(f.lines, "line"), count(int64(total), "secret"))
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
