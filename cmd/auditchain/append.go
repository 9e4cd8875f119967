// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// appendOptions are the flags of append.
type appendOptions struct {
	keys      keyOptions
	json      bool
	fsync     string
	redaction redactionFlags
	defaults  lineDefaults
	rotation  rotationOptions
}

func (a *app) appendCommand() *cobra.Command {
	var o appendOptions
	cmd := &cobra.Command{
		Use:   "append JOURNAL",
		Short: "Seal lines from standard input into a journal",
		Long: `Reads lines from standard input, masks the secrets in them, and seals each as a
record of the journal, which is made when it is not there. Several processes
may append to one journal at once.

What becomes of a line:
  an audit entry   {"timestamp","session_id","provider","event":{"type",...}},
                   optionally with "id", and nothing else: that audit event, at
                   that time. The same id with the same content is sealed once.
  other JSON       an object or an array becomes a log record with the JSON as its
                   body, byte for byte. Its time is the top-level eventTime,
                   timestamp or time, in this order, if RFC 3339; else now.
  other text       a log record with the text as its body; invalid UTF-8 and NUL
                   bytes are kept (as base64 and \u0000). A private key that
                   goes over several lines is masked in each of them.
  a blank line     is passed over and counted.
  over 32 MiB      is not kept: an audit.rejected record says how long it was. So
                   it is with a line whose record is over 64 MiB (a NUL byte takes
                   six there); the length is then that of the record.
CR LF ends a line as LF does. A refused line never takes others with it: an
audit.rejected record stands in its place, and the exit code is 4.

Without --json, a summary on standard error. With --json also a receipt a line
on standard output, in the order of the lines, once it is as durable as --fsync
promises:
  {"line":1,"id":"<uuid>","seq":3,"hmac":"<hex>","leaf":"<hex>",
   "time":"<RFC 3339>","duplicate":false}
  {"line":2,"error":"<why this line was not sealed>"}

With --max-size or --max-age, a file that is full or old enough is finished under
the name audit-<first seq>.jsonl, and a new one begun; all of them are one chain.
Nothing is removed without --keep or --keep-for: give these from the first append
on, because a chain says at its beginning what may be removed from it.
With a forward-secure key, the key file is replaced every --epoch-every or
--epoch-records: then who takes over the host can alter nothing that was sealed before.
With a key for checkpoints, which is taken from beside the key file (FILE.checkpoint)
where --checkpoint-key names none, a signed checkpoint is sealed at least as often as
--checkpoint-every and --checkpoint-records say. Whether a journal has checkpoints, and
whose erasures it takes (--erasure-key-public), is said when it is begun, and stays.
A journal that was cut, altered or taken away is gone on with, behind a record that
says so for ever: then "journal: ..." on standard error says what was found.

An interrupt (Ctrl-C) finishes the commit in progress and closes the journal;
the summary says which line was the last one sealed.

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitIncomplete, exitInterrupted),
		Example: `  auditchain append --key-file audit.key audit.jsonl < cloudtrail.jsonl
  tail -F app.log | auditchain append --session "$ID" --json audit.jsonl
  auditchain append --max-size 256MiB --compress audit.jsonl < events.jsonl`,
		Args: oneArg("journal"),
	}
	keyFlags(cmd, &o.keys)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print a receipt a line")
	f.StringVar(&o.fsync, "fsync", "always", "when a line counts as sealed: always (on disk), an interval such as 1s, or never (handed to the system)")
	f.StringVar(&o.defaults.session, "session", "", "session id of lines that name none")
	f.StringVar(&o.defaults.provider, "provider", "", "cloud provider of lines that name none, such as aws, gcp or azure")
	f.StringVar(&o.defaults.actor, "actor", "", "who acted, for all lines")
	f.StringVar(&o.defaults.eventType, "type", "", "event type of lines that are no audit entries (default \"log\")")
	rotationFlags(cmd, &o.rotation)
	o.redaction.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.append(cmd.Context(), args[0], o)
	}
	return cmd
}

// append reads standard input into the journal at path.
func (a *app) append(ctx context.Context, path string, o appendOptions) error {
	fsync, err := journal.ParseFsync(o.fsync)
	if err != nil {
		return usagef("--fsync: %w", err)
	}
	if strings.HasPrefix(o.defaults.eventType, audit.EventPrefix) {
		return usagef("--type %q: types of audit events are for audit entries, which bring their own", o.defaults.eventType)
	}
	if o.defaults.eventType == rejectedType {
		return usagef("--type %q: reserved for the records that a journal refused", o.defaults.eventType)
	}
	rotation, err := o.rotation.rotation()
	if err != nil {
		return err
	}
	redactor, err := o.redaction.redactor()
	if err != nil {
		return err
	}
	options := journal.Options{Fsync: fsync, Rotation: rotation, Version: moduleVersion()}
	if err := o.keys.apply(&options, path); err != nil {
		return err
	}
	// A reader of the receipts that goes away is an error like any other: the
	// journal is to be closed, and the end told.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	warn := &notes{w: a.stderr}
	options.Report = warn.report
	j, err := journal.Open(ctx, path, options)
	if err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted, err: errors.New("interrupted before the journal was open; nothing was written")}
		}
		if errors.Is(err, journal.ErrTampered) || errors.Is(err, journal.ErrTruncated) {
			return &exitError{code: exitTampered, err: err}
		}
		return err
	}
	if _, tty := terminalWidth(a.stdin); tty {
		fmt.Fprintln(warn, "reading lines from the terminal; Ctrl-D ends, Ctrl-C interrupts")
	}
	s := &sealing{
		journal:  j,
		out:      bufio.NewWriterSize(a.stdout, 64<<10),
		json:     o.json,
		warn:     warn,
		input:    "standard input",
		again:    "append from line %d on again",
		redacted: map[string]int{},
	}
	src := newSource(a.stdin, o.defaults, redactor, !regularFile(a.stdin))
	go src.run()
	err = s.run(ctx, src)
	src.stop()
	if cerr := j.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("the records are sealed, but the journal could not be closed: %w", cerr)
	}
	s.summary(path, j)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil && s.interrupted:
		return exitWith(exitInterrupted)
	case s.refused > 0:
		return exitWith(exitIncomplete)
	}
	return nil
}

// regularFile reports whether reading from r never waits for somebody.
func regularFile(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// sealing commits batches and says what became of each line.
type sealing struct {
	journal *journal.Journal
	out     *bufio.Writer
	warn    io.Writer
	json    bool
	input   string // what the lines are from
	again   string // what to do where a line, %d, was not acknowledged

	recs     []journal.Record
	receipts []journal.Receipt
	buf      []byte

	lines, sealed, duplicates, refused, blank int64
	lastLine                                  int64 // acknowledged or refused
	firstSeq, lastSeq                         uint64
	redacted                                  map[string]int
	interrupted                               bool
}

// run commits what src delivers, in order, until its end or an interrupt.
func (s *sealing) run(ctx context.Context, src *source) error {
	for {
		// An interrupt comes before more work, also when both are ready.
		select {
		case <-ctx.Done():
			s.interrupted = true
			return nil
		default:
		}
		var group []*batch
		select {
		case <-ctx.Done():
			continue
		case b, ok := <-src.batches:
			if !ok {
				if src.err != nil {
					return fmt.Errorf("%s, after line %d: %w; what was read is sealed", s.input, s.lines, src.err)
				}
				return nil
			}
			group = append(group, b)
		}
		group = src.more(group)
		err := s.commit(context.WithoutCancel(ctx), group)
		for _, b := range group {
			src.recycle(b)
		}
		if err != nil {
			return err
		}
	}
}

// commit seals a group of batches as one, then prints their receipts.
func (s *sealing) commit(ctx context.Context, group []*batch) error {
	s.recs = s.recs[:0]
	for _, b := range group {
		s.recs = append(s.recs, b.payload.Records()...)
	}
	if cap(s.receipts) < len(s.recs) {
		s.receipts = make([]journal.Receipt, max(len(s.recs), batchLines))
	}
	receipts := s.receipts[:len(s.recs)]
	clear(receipts)
	if len(s.recs) > 0 {
		if err := s.journal.Append(ctx, s.recs, receipts); err != nil {
			return s.failed(group, err, false)
		}
	}
	// Records that the journal refused leave a trace in their place.
	var rejections []journal.Record
	i := 0
	for _, b := range group {
		for n := range b.payload.Records() {
			if why := reasonOf(receipts[i].Err); why != "" {
				rejections = append(rejections, b.payload.Rejection(n, why))
			}
			i++
		}
	}
	if len(rejections) > 0 {
		if err := s.journal.Append(ctx, rejections, make([]journal.Receipt, len(rejections))); err != nil {
			return s.failed(group, err, true)
		}
	}
	for _, b := range group {
		n := len(b.payload.Records())
		s.report(b, receipts[:n])
		receipts = receipts[n:]
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("%w; the lines up to %d are sealed", err, s.lastLine)
	}
	return nil
}

// failed says of every line of a group that it is not acknowledged. partly
// says that some of them were sealed.
func (s *sealing) failed(group []*batch, err error, partly bool) error {
	var first, last int64
	for _, b := range group {
		s.lines += int64(len(b.lines)) + b.blank
		s.blank += b.blank
		for _, l := range b.lines {
			if first == 0 {
				first = l.number
			}
			last = l.number
			if s.json {
				s.receiptError(l.number, "not acknowledged: the journal could not be written")
			}
		}
	}
	_ = s.out.Flush() // the journal's error is the one that matters
	hint := "none of them is in the journal"
	if partly || errors.Is(err, journal.ErrFailed) || errors.Is(err, journal.ErrUncertain) {
		hint = "some of them may be in the journal (look with: auditchain query)"
	}
	return fmt.Errorf("lines %d to %d are not acknowledged, %s; %s: %w", first, last, hint, fmt.Sprintf(s.again, first), err)
}

// report counts and prints the receipts of a batch that was committed.
func (s *sealing) report(b *batch, receipts []journal.Receipt) {
	s.lines += int64(len(b.lines)) + b.blank
	s.blank += b.blank
	for _, c := range b.payload.Redactions() {
		s.redacted[string(c.Kind)] += c.N
	}
	for i, l := range b.lines {
		r := &receipts[i]
		s.lastLine = l.number
		why := l.refused
		if r.Err != nil {
			why = r.Err.Error()
		}
		if why != "" {
			s.refused++
			fmt.Fprintf(s.warn, "line %d: refused: %s\n", l.number, why)
			if s.json {
				s.receiptError(l.number, why)
			}
			continue
		}
		if r.Duplicate {
			s.duplicates++
		} else {
			s.sealed++
			if s.firstSeq == 0 {
				s.firstSeq = r.Seq
			}
			s.lastSeq = r.Seq
		}
		if s.json {
			s.buf = appendReceipt(s.buf[:0], l.number, r)
			_, _ = s.out.Write(s.buf) // Flush returns the error
		}
	}
}

func (s *sealing) receiptError(line int64, why string) {
	s.buf = fmt.Appendf(s.buf[:0], `{"line":%d,"error":`, line)
	s.buf = appendJSONString(s.buf, why)
	s.buf = append(s.buf, "}\n"...)
	_, _ = s.out.Write(s.buf) // Flush returns the error
}

// appendReceipt appends a receipt as a line of JSON.
func appendReceipt(dst []byte, line int64, r *journal.Receipt) []byte {
	return fmt.Appendf(dst, `{"line":%d,"id":"%s","seq":%d,"hmac":"%s","leaf":"%s","time":"%s","duplicate":%t}`+"\n",
		line, r.ID, r.Seq, r.MAC, r.Leaf, integrity.FormatTime(r.Time), r.Duplicate)
}
