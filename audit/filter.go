// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strings"
	"time"
)

// Filter chooses records. A field that is empty chooses all; the zero Filter
// matches every record.
type Filter struct {
	// Session is a session id.
	Session string
	// Provider is a cloud, as [Entry].Provider says it.
	Provider string
	// Type is an event type, with or without "audit." before it.
	Type string
	// Actor is who acted, as [Entry.Actor] says it.
	Actor string
	// Since is the first moment that matches.
	Since time.Time
	// Until is the first moment after those that match.
	Until time.Time
}

// Match reports whether f chooses e. Control records and what is left of erased
// lines are never chosen: they have no session, no type and no actor.
func (f Filter) Match(e Entry) bool {
	return e.Kind == KindRecord &&
		(f.Session == "" || f.Session == e.SessionID) &&
		(f.Provider == "" || f.Provider == string(e.Provider)) &&
		(f.Type == "" || f.Type == e.Type || e.Event != nil && strings.TrimPrefix(f.Type, EventPrefix) == e.Type) &&
		(f.Actor == "" || f.Actor == e.Actor()) &&
		(f.Since.IsZero() || !e.Timestamp.Before(f.Since)) &&
		(f.Until.IsZero() || e.Timestamp.Before(f.Until))
}
