// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/auditchain/auditchain/processor/redact"
)

type importOptions struct {
	keyFile, oldKeyFile                      *string
	olderDefault, unverified, acceptUnsigned bool
	erasureKey                               string
	redaction                                redactionFlags
	keep                                     int
	keepFor                                  time.Duration
	json                                     bool
}

func (a *app) importCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import OLDFILE JOURNAL",
		Short: "Begin a journal with the records of a file in the older format",
		Long: `Takes a file of the older format (lines that end in a TAB and #HMAC:<hex>) and begins
JOURNAL, a new chain, with its records. OLDFILE stays as it is: keep it, it is the
evidence that its tags were checked. Stop the program that writes it first.

Before anything is written, all of OLDFILE is read and
  verified     under its key, as auditchain verify does. The key is that of
               --old-key-file, else AUDEX_HMAC_KEY, else, only if it is asked for with
               --legacy-default-key, the public one of the older system. With
               --unverified no tag is checked, and the new chain says so.
  understood   each line must be a JSON object that states its time. An audit entry
               becomes that audit event, with its own time, session and provider;
               any other object a log record with the JSON as its body, byte for byte.
               A line without a tag is taken only with --accept-unsigned.
What fails is named with its line, and nothing is written. Secrets that are found are
masked, as append does: a record may hold less than its line did.

The first record of the new chain says in "imported" which file it was (name, bytes,
SHA-256, lines, how many signed, the last tag) and under which key it was verified.
A journal that exists is refused, unless it was begun by this very import: one that
was interrupted is run again, and goes on where it stopped. Each record's id is made
of the file and the number of its line.
What may ever be removed from the new chain, or erased in it, is said at its beginning:
with --keep, --keep-for and --erasure-key-public. All records go into one file; a later
append --max-size begins others.

With --json, one object on standard output:
  state         "imported", "already imported", "interrupted" or "refused"
  file, journal, chain_id, key_id
  imported      as in the first record of the chain
  unsigned, blank, records, events   counts of the lines; events are the records that
                are audit events
  sealed, already_there, first_seq, last_seq   what was written now
  redacted      {"<kind>":n}, values that are masked in all of the records
  refused       [{"line","reason"}], the first of them, and refused_total
  not_proven    what verifying the file left open, in words

` + keySourceHelp + `
--key-file is the key of the new chain, and has nothing to do with that of OLDFILE.

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitIncomplete, exitInterrupted) + `
Exit code 3: OLDFILE was tampered with. Exit code 4: it has lines that cannot be taken.`,
		Example: `  auditchain import --old-key-file old.key --key-file audit.key old.jsonl audit.jsonl
  auditchain import --unverified --accept-unsigned --json old.jsonl audit.jsonl
  auditchain verify --key-file audit.verify audit.jsonl`,
		Args: importArgs,
	}
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	o.oldKeyFile = f.String("old-key-file", "", "file that holds the key of OLDFILE (else AUDEX_HMAC_KEY)")
	f.BoolVar(&o.olderDefault, "legacy-default-key", false, "verify OLDFILE under the public default key of the older format, which proves nothing against whoever knows it")
	f.BoolVar(&o.unverified, "unverified", false, "check no tag of OLDFILE: its key is lost")
	f.BoolVar(&o.acceptUnsigned, "accept-unsigned", false, "take lines that have no tag, too")
	f.StringVar(&o.erasureKey, "erasure-key-public", "", "file that holds the public key of who may have records of the new chain erased")
	f.IntVar(&o.keep, "keep", 0, "how many finished files stay at least in the new chain (0: no such policy)")
	f.DurationVar(&o.keepFor, "keep-for", 0, "how long finished files stay at least, such as 2160h (0s: no such policy)")
	f.BoolVar(&o.json, "json", false, "print what was done as one JSON object")
	o.redaction.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case o.unverified && (*o.oldKeyFile != "" || o.olderDefault):
			return usagef("--unverified excludes --old-key-file and --legacy-default-key: either the tags are checked or not")
		case o.olderDefault && *o.oldKeyFile != "":
			return usagef("--old-key-file and --legacy-default-key exclude each other")
		case o.keep < 0 || o.keepFor < 0:
			return usagef("--keep and --keep-for are not negative")
		}
		return a.importOlder(cmd.Context(), args[0], args[1], o)
	}
	return cmd
}

func importArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usagef("the file to import is missing")
	case len(args) == 1:
		return usagef("the journal to begin is missing")
	case len(args) > 2:
		return usagef("%d arguments given, only the file to import and the journal are wanted (%q is too many)", len(args), args[2])
	case args[0] == "" || args[1] == "":
		return usagef("the name of a file is an empty string")
	}
	return nil
}

// importing is one run of import.
type importing struct {
	*app
	o        importOptions
	path     string // of the file
	file     vfs.File
	key      []byte // of the file; nil where its tags are not checked
	keyErr   error  // why there is none
	redactor *redact.Redactor
	result   importResult
}

func (a *app) importOlder(ctx context.Context, path, to string, o importOptions) error {
	m := &importing{app: a, o: o, path: path, result: importResult{
		State: stateRefused, File: path, Journal: to, Redacted: map[string]int{}, Refused: []refusedLine{}, NotProven: []string{},
	}}
	err := m.run(ctx, to)
	if ctx.Err() != nil && m.result.Chain == "" {
		err = &exitError{code: exitInterrupted, err: errors.New("interrupted: nothing was written")}
		m.result.State = stateInterrupted
	}
	if m.o.json {
		if perr := m.printJSON(); perr != nil {
			return perr
		}
	}
	return err
}

func (m *importing) run(ctx context.Context, to string) (err error) {
	if m.redactor, err = m.o.redaction.redactor(); err != nil {
		return err
	}
	options, err := m.journalOptions()
	if err != nil {
		return err
	}
	begun, err := begunImport(to)
	if err != nil {
		return err
	}
	if first, known := beginningOf(to); begun != nil && known && m.o.erasureKey != "" {
		if err := first.sameErasureKey(to, options.ErasureKey); err != nil {
			return err
		}
	}
	if err := m.open(); err != nil {
		return err
	}
	defer m.file.Close()
	if !m.o.unverified {
		m.key, m.keyErr = importKey(m.o)
	}
	imported, err := m.check(ctx)
	if err != nil {
		return err
	}
	from := int64(0)
	if begun != nil && *begun == imported {
		if from, err = m.resume(ctx, to, imported); err != nil {
			return err
		}
	}
	options.Imported = &imported
	return m.seal(ctx, to, options, imported, from)
}

// journalOptions are those of the new chain.
func (m *importing) journalOptions() (o journal.Options, err error) {
	key, err := openWriterKey(*m.o.keyFile)
	if err != nil {
		return o, err
	}
	key.apply(&o)
	m.result.KeyID = key.key.ID()
	if o.Checkpoint.Signer, err = signerOf("", key.src); err != nil {
		return o, err
	}
	if m.o.erasureKey != "" {
		if o.ErasureKey, err = keyfile.LoadPublic(m.o.erasureKey, integrity.KindErasure); err != nil {
			return o, fmt.Errorf("--erasure-key-public: %w", err)
		}
	}
	if m.o.keep > 0 || m.o.keepFor > 0 {
		// For the genesis alone: all records go into one file.
		o.Rotation = journal.Rotation{MaxAge: math.MaxInt64, Keep: m.o.keep, KeepFor: m.o.keepFor}
	}
	o.Version = moduleVersion()
	return o, nil
}

// importKey finds the key of the file.
func importKey(o importOptions) ([]byte, error) {
	if *o.oldKeyFile == "" && !o.olderDefault && os.Getenv(olderKeyEnv) == "" {
		return nil, fmt.Errorf("no key of the older file is named: give --old-key-file FILE or set %s (or --legacy-default-key, if it was written without a key; or --unverified, if the key is lost)", olderKeyEnv)
	}
	var files []string
	if *o.oldKeyFile != "" {
		files = []string{*o.oldKeyFile}
	}
	return olderKey(verifyOptions{keyFiles: &files, olderDefault: o.olderDefault})
}

// open opens the file and locks it, as the program does that writes it: so it
// stays as it is, and no two imports of it run at once.
func (m *importing) open() error {
	older, err := inOlderFormat(m.path)
	if err != nil {
		return err
	}
	if !older {
		return fmt.Errorf("%q is not in the older format; lines of another kind are sealed with: auditchain append JOURNAL < %s", m.path, shellWord(m.path))
	}
	name, err := filepath.EvalSymlinks(m.path)
	if err != nil {
		return err
	}
	if m.file, err = vfs.OS.OpenFile(name, os.O_RDONLY, 0); err != nil {
		return err
	}
	free, err := m.file.TryLock(true)
	if err == nil && !free {
		err = fmt.Errorf("%q is locked by another program: stop what writes it, or wait for the import that is under way", m.path)
	}
	if err != nil {
		_ = m.file.Close()
	}
	return err
}

// lines begins to read the file from its beginning.
func (m *importing) lines() *olderLines {
	name := strings.ToValidUTF8(filepath.Base(m.path), "\uFFFD")
	return newOlderLines(name, io.NewSectionReader(m.file, 0, math.MaxInt64), m.key)
}

// check reads the file twice, verifies it, and finds out whether each of its
// lines can become a record.
func (m *importing) check(ctx context.Context) (integrity.Imported, error) {
	var none integrity.Imported
	lines := m.lines()
	if err := m.scan(ctx, lines); err != nil {
		return none, err
	}
	if lines.seen.Signed == 0 {
		lines.seen.KeyID = "" // it checked nothing
		m.key = nil
	}
	r := &m.result
	r.Imported, r.Unsigned, r.Blank = &lines.seen, lines.unsigned, lines.blank
	if m.key != nil {
		if err := m.verify(ctx, lines.seen); err != nil {
			return none, err
		}
	} else if lines.seen.Signed > 0 {
		r.NotProven = append(r.NotProven, "anything about the file: its tags were not checked")
	}
	switch {
	case lines.unsigned > 0 && !m.o.acceptUnsigned:
		return none, &exitError{code: exitIncomplete, err: fmt.Errorf(
			"%q has %s without a tag, the first of which is line %d: nothing shows that they were always there. Nothing was written; to take them all the same: --accept-unsigned",
			m.path, count(lines.unsigned, "line"), lines.firstUnsigned)}
	case r.RefusedTotal > 0:
		for _, l := range r.Refused {
			fmt.Fprintf(m.stderr, "line %d: %s\n", l.Line, l.Reason)
		}
		return none, &exitError{code: exitIncomplete, err: fmt.Errorf(
			"%s of %q cannot become a record, the first of which is line %d; nothing was written", count(r.RefusedTotal, "line"), m.path, r.Refused[0].Line)}
	case r.Records == 0:
		return none, fmt.Errorf("%q has no records", m.path)
	}
	return lines.seen, nil
}

// maxRefused is how many lines are named that cannot become a record.
const maxRefused = 20

// scan encodes each line, as it will be sealed, and forgets it.
func (m *importing) scan(ctx context.Context, lines *olderLines) error {
	encoder := payload.NewEncoder(payload.Options{Redactor: m.redactor, MaxRecordBytes: journal.MaxRecordBytes})
	var b payload.Batch
	r := &m.result
	for {
		l, err := lines.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && l.signed && m.key == nil && !m.o.unverified {
			err = m.keyErr
		}
		if err != nil {
			return err
		}
		rec, wrong := importRecord(l.Text, time.Now())
		switch {
		case l.wrong != "":
			wrong = l.wrong
		case wrong == notJSON && l.End == "":
			wrong += ", and the file ends in it, as a crash leaves it: import a copy without it"
		}
		if wrong == "" {
			encoder.Append(&b, &rec)
			if why := b.Rejected(); len(why) > 0 {
				wrong = string(why[0].Reason)
			}
			for _, c := range b.Redactions() {
				r.Redacted[string(c.Kind)] += c.N
			}
			b.Reset()
		}
		if wrong == "" {
			r.Records++
			if isAuditEvent(&rec) {
				r.Events++
			}
			continue
		}
		if r.RefusedTotal++; len(r.Refused) < maxRefused {
			r.Refused = append(r.Refused, refusedLine{l.Number, wrong})
		}
	}
}

// verify judges the file as `verify` does.
func (m *importing) verify(ctx context.Context, seen integrity.Imported) error {
	sum := sha256.New()
	report := integrity.VerifyLegacy(ctx, m.path, io.TeeReader(io.NewSectionReader(m.file, 0, math.MaxInt64), sum), m.key)
	m.result.NotProven = append(m.result.NotProven, report.NotProven...)
	if m.o.olderDefault {
		m.result.NotProven = append(m.result.NotProven, "that nobody forged it: the key is the public default of the older system")
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case report.Verdict == integrity.Tampered:
		return &exitError{code: exitTampered, err: fmt.Errorf("%w; nothing was written. It is evidence as it is: auditchain verify says more", report.First())}
	case report.Verdict != integrity.PartlyProven:
		return fmt.Errorf("%q cannot be verified: %s; nothing was written", m.path, strings.Join(report.NotProven, "; "))
	case integrity.Hash(sum.Sum(nil)) != seen.SHA256 || report.Records != seen.Signed:
		return fmt.Errorf("%q: %w; nothing was written", m.path, errChanged)
	}
	return nil
}

// begunImport is what the first line of a journal that is there says that it
// imports. A journal that is there and imports nothing is refused; so it is
// before a long file is read, and again by the journal itself, under its lock.
func begunImport(path string) (*integrity.Imported, error) {
	if _, err := journal.Segments(path); err != nil {
		return nil, err
	}
	if somethingThere(path) != nil {
		return nil, nil // there is no trace of one
	}
	exists := fmt.Errorf("%q exists already, and an import begins a journal of its own: choose another name", path)
	r, err := journal.NewReader(path)
	var first integrity.Line
	if err == nil {
		defer r.Close()
		first, err = r.Next()
	}
	if lock, lerr := os.Lstat(path + ".lock"); err != nil && lerr == nil && lock.Size() == 0 {
		return nil, nil // a first opening that died: whether it counts, the journal decides
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", exists, err)
	}
	g, err := integrity.ParseGenesis(first)
	if err != nil || g.Imported == nil {
		return nil, exists
	}
	return g.Imported, nil
}

// resume finds the line behind the last one that is sealed already. What the
// journal remembers of ids does not reach back for as far as an import may
// have come, so all of it is read, beside the file: an id alone says nothing,
// since others may write to the journal too.
func (m *importing) resume(ctx context.Context, to string, imported integrity.Imported) (from int64, err error) {
	r, err := journal.NewReader(to)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	lines := m.lines()
	encoder := payload.NewEncoder(payload.Options{Redactor: m.redactor, MaxRecordBytes: journal.MaxRecordBytes})
	var b payload.Batch
	last, erased := int64(0), 0
	for {
		line, err := r.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err == io.EOF {
			return last + 1, nil
		}
		if err != nil {
			return 0, fmt.Errorf("looking for what is imported already: %w", err)
		}
		if line.Kind == integrity.Tombstone {
			erased++
		}
		id, ok := recordIDOf(line)
		if !ok {
			continue
		}
		n, ok := importedLine(imported.SHA256, id)
		if !ok || n <= last {
			continue
		}
		l, err := lines.Next()
		for err == nil && l.Number < n && erased > 0 {
			// Which record was erased cannot be told any more.
			erased--
			l, err = lines.Next()
		}
		if err != nil || l.Number != n {
			return 0, fmt.Errorf("%q holds the record of line %d of this import, and not those of all lines before it: find out why first (auditchain verify %s)", to, n, shellWord(to))
		}
		rec, _ := importRecord(l.Text, time.Now())
		rec.Attributes = append(rec.Attributes, attribute.String(recordID, id.String()))
		encoder.Append(&b, &rec)
		if !sameImport(b.Records()[0], line.Payload) {
			return 0, fmt.Errorf("%q holds another record under the id of that of line %d (seq %d): one that somebody else sent, or one that was masked in another way, by another release or with another --fingerprint-key-file. Import into another journal", to, n, line.Seq)
		}
		b.Reset()
		last = n
		m.result.There++
	}
}

// sameImport reports whether a record that was sealed is the one that its line
// becomes now, but for what sinks add (docs/SPEC.md, section 6).
func sameImport(rec journal.Record, stored []byte) bool {
	from, to := rec.ContentFrom, rec.ContentTo
	return len(stored) > to && bytes.Equal(stored[from:to], rec.Payload[from:to]) && bytes.HasPrefix(stored[to:], []byte(`,"observed":`))
}

// recordIDOf reads the id of a line; ok is false for one that is no record.
func recordIDOf(l integrity.Line) (id uuid.UUID, ok bool) {
	if l.Kind != integrity.Record {
		return id, false
	}
	id, err := uuid.Parse(textOf(append(append([]byte(nil), l.Payload...), '}'), "id"))
	return id, err == nil
}

// seal writes the records from a line on.
func (m *importing) seal(ctx context.Context, to string, o journal.Options, imported integrity.Imported, from int64) error {
	warn := &notes{w: m.stderr}
	o.Report = warn.report
	j, err := journal.Open(ctx, to, o)
	if err != nil {
		if errors.Is(err, journal.ErrTampered) || errors.Is(err, journal.ErrTruncated) {
			return &exitError{code: exitTampered, err: err}
		}
		return err
	}
	r := &m.result
	r.Chain = j.Chain().String()
	s := &sealing{
		journal: j, out: bufio.NewWriter(io.Discard), warn: warn, redacted: map[string]int{},
		input: fmt.Sprintf("%q", m.path), again: "run the import again, and it goes on at line %d",
	}
	in := &importSource{lines: m.lines(), want: imported, from: from}
	src := newSource(nil, lineDefaults{}, m.redactor, false)
	src.lines, src.record = in, in.record
	go src.run()
	err = s.run(ctx, src)
	src.stop()
	if cerr := j.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("the records are sealed, but the journal could not be closed: %w", cerr)
	}
	r.There += s.duplicates
	r.Sealed, r.FirstSeq, r.LastSeq = s.sealed, s.firstSeq, s.lastSeq
	switch {
	case errors.Is(err, errChanged):
		return fmt.Errorf("%w. The chain was begun for what it was before: move the files of %q away, and import again", err, to)
	case err != nil:
		return err
	case s.interrupted:
		r.State = stateInterrupted
	case s.refused > 0:
		return &exitError{code: exitIncomplete, err: fmt.Errorf("%s not sealed: the journal holds other records with their ids; see audit.rejected in it", count(s.refused, "line"))}
	case r.Sealed == 0:
		r.State = stateAlready
	default:
		r.State = stateImported
	}
	m.summary()
	if s.interrupted {
		return exitWith(exitInterrupted)
	}
	return nil
}
