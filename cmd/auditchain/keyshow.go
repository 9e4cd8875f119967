// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// showOptions say what becomes of a verification key.
type showOptions struct {
	out  string
	show bool
	qr   bool
}

func (o *showOptions) any() bool { return o.out != "" || o.show || o.qr }

func showFlags(cmd *cobra.Command, o *showOptions) {
	f := cmd.Flags()
	f.StringVar(&o.out, "verification-key-out", "", "write the verification key to this file, instead of showing it")
	f.BoolVar(&o.show, "show", false, "print the verification key on standard output, also where that is no terminal")
	f.BoolVar(&o.qr, "qr", false, "print it as a QR code too, also where there is no terminal (as --show)")
}

// shownKey is what the JSON output says of a verification key.
type shownKey struct {
	VerificationKeyFile string `json:"verification_key_file,omitempty"`
	VerificationKey     string `json:"verification_key,omitempty"`
}

// shower shows a verification key, once.
type shower struct {
	o     showOptions
	w     io.Writer // nil where it is written to a file only
	qr    bool
	width int // columns of the terminal; 0 where there is none
}

// shower finds where a verification key can be shown. Without a place it is an
// error: nobody may find out later that it is gone. otherwise says what the
// error is to say of what was to be done.
func (a *app) shower(o showOptions, asJSON bool, otherwise string) (*shower, error) {
	if asJSON && o.qr {
		return nil, usagef("--json and --qr exclude each other")
	}
	s := &shower{o: o}
	if asJSON {
		if o.show {
			s.w = a.stdout
		}
	} else if width, tty := secretTerminal(a.stdout.w); o.show || o.qr {
		s.w, s.width, s.qr = a.stdout, width, o.qr || tty
	} else if o.out == "" && tty {
		s.w, s.width, s.qr = a.stdout, width, true
	} else if width, tty := secretTerminal(a.stderr); o.out == "" && tty {
		// Standard output goes into a file or a program, and is not for this.
		s.w, s.width, s.qr = a.stderr, width, true
	}
	if s.w == nil && o.out == "" {
		return nil, usagef("the verification key of a new key can be shown only once, and there is no terminal to show it on: %s; "+
			"give --verification-key-out FILE (elsewhere than on this host, in the end), or --show to have it on standard output, or --static for a key that has none", otherwise)
	}
	return s, nil
}

// secretTerminal is terminalWidth for what nobody but the person at it is to
// read: a build service that gives its scripts a terminal keeps what they print
// there in a log, and says so in CI.
func secretTerminal(v any) (int, bool) {
	if os.Getenv("CI") != "" {
		return 0, false
	}
	return terminalWidth(v)
}

// add has the key written to the file that was asked for.
func (s *shower) add(n *newKeys, key integrity.Key) {
	if s.o.out != "" {
		n.files = append(n.files, keyfile.NewFile{Path: s.o.out, Text: key.ForVerifying().Text(), Mode: keyfile.SecretMode})
	}
}

func (s *shower) json(key integrity.Key) shownKey {
	k := shownKey{VerificationKeyFile: s.o.out}
	if s.w != nil {
		k.VerificationKey = verificationText(key)
	}
	return k
}

func verificationText(key integrity.Key) string {
	return strings.TrimSpace(string(key.ForVerifying().Text()))
}

// show prints the verification key.
func (s *shower) show(key integrity.Key) error {
	if s.w == nil {
		return nil
	}
	text := verificationText(key)
	if !s.qr {
		_, err := fmt.Fprintln(s.w, text)
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\nThe verification key, which is shown now and never again:\n\n%s\n\n", text)
	code := qrCode(text)
	switch wide := qrWidth(code); {
	case s.width > 0 && wide > s.width && !s.o.qr:
		fmt.Fprintf(&b, "(The terminal is too narrow for a QR code, which needs %d columns.)\n\n", wide)
	case os.Getenv("TERM") == "dumb" && !s.o.qr:
	default:
		b.Write(code)
		b.WriteByte('\n')
	}
	b.WriteString("Store it elsewhere than on this host. Whoever has it can verify everything, and\n" +
		"forge everything; without it, nobody can verify what is sealed under spent keys.\n\n")
	_, err := s.w.Write(b.Bytes())
	return err
}

// next says what to do with the key, and returns its file for a command line.
func (s *shower) next(w io.Writer) string {
	if s.o.out == "" {
		fmt.Fprintln(w, "  store the verification key elsewhere: it is shown only now, and whoever has it can\n"+
			"  verify everything and forge everything")
		return "VERIFICATION-KEY-FILE"
	}
	fmt.Fprintf(w, "  take %s away from this host: whoever has it can verify everything and forge\n"+
		"  everything, and without it nobody can verify what is sealed under spent keys\n", shellWord(s.o.out))
	return shellWord(s.o.out)
}

// qrCode draws text with half blocks, two rows in a line.
func qrCode(text string) []byte {
	var b bytes.Buffer
	qrterminal.GenerateWithConfig(text, qrterminal.Config{
		Level: qrterminal.M, Writer: &b, HalfBlocks: true, QuietZone: 2,
		BlackChar: qrterminal.BLACK_BLACK, WhiteBlackChar: qrterminal.WHITE_BLACK,
		WhiteChar: qrterminal.WHITE_WHITE, BlackWhiteChar: qrterminal.BLACK_WHITE,
	})
	return b.Bytes()
}

// qrWidth is how many columns a code takes.
func qrWidth(code []byte) int {
	line, _, _ := bytes.Cut(code, []byte("\n"))
	return len([]rune(string(line)))
}
