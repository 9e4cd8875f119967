// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
)

// style colours words, or leaves them alone.
type style struct{ colour bool }

// styled decides about colour for output that goes to w: --color, else
// whether w is a terminal, NO_COLOR (https://no-color.org) is unset and the
// terminal is not a dumb one.
func (a *app) styled(w io.Writer) style {
	switch a.color {
	case "always":
		return style{true}
	case "never":
		return style{}
	}
	_, tty := terminalWidth(w)
	return style{tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s style) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) red(text string) string    { return s.paint("1;31", text) }
func (s style) green(text string) string  { return s.paint("1;32", text) }
func (s style) yellow(text string) string { return s.paint("1;33", text) }
func (s style) bold(text string) string   { return s.paint("1", text) }
