// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit"
)

func TestFilterMatch(t *testing.T) {
	all := golden()
	e := all["session_ended"]
	e.Attributes = append(e.Attributes, attribute.String("audit.actor.id", "alice"), attribute.String("gen_ai.agent.id", "agent-7"))
	at, ns := e.Timestamp, time.Nanosecond
	for _, tt := range []struct {
		name string
		f    audit.Filter
		want bool
	}{
		{"zero", audit.Filter{}, true},
		{"session", audit.Filter{Session: e.SessionID}, true},
		{"another session", audit.Filter{Session: e.SessionID[:8]}, false},
		{"provider", audit.Filter{Provider: "gcp"}, true},
		{"another provider", audit.Filter{Provider: "aws"}, false},
		{"type", audit.Filter{Type: "session_ended"}, true},
		{"type with its prefix", audit.Filter{Type: "audit.session_ended"}, true},
		{"another type", audit.Filter{Type: "session"}, false},
		{"actor", audit.Filter{Actor: "alice"}, true},
		{"the agent behind the actor", audit.Filter{Actor: "agent-7"}, false},
		{"since is inclusive", audit.Filter{Since: at}, true},
		{"since later", audit.Filter{Since: at.Add(ns)}, false},
		{"until is exclusive", audit.Filter{Until: at}, false},
		{"until later", audit.Filter{Until: at.Add(ns)}, true},
		{"all", audit.Filter{Session: e.SessionID, Provider: "gcp", Type: "session_ended", Actor: "alice", Since: at, Until: at.Add(1)}, true},
		{"all but one", audit.Filter{Session: e.SessionID, Provider: "gcp", Type: "session_ended", Actor: "bob", Since: at, Until: at.Add(1)}, false},
	} {
		if got := tt.f.Match(e); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	for _, name := range []string{"control", "erased"} {
		if (audit.Filter{}).Match(all[name]) {
			t.Errorf("a %s line is chosen", name)
		}
	}
	if !(audit.Filter{Provider: "aws"}).Match(all["values"]) {
		t.Error("the default provider is not chosen")
	}
	named := all["named"]
	if (audit.Filter{Type: "audit.session_created"}).Match(named) || !(audit.Filter{Type: "session_created"}).Match(named) {
		t.Error("a plain log record passes for an audit event")
	}
	named.Attributes = append(named.Attributes, attribute.String("gen_ai.agent.id", "agent-7"))
	if !(audit.Filter{Actor: "agent-7"}).Match(named) {
		t.Error("an agent is an actor where nobody else is named")
	}
}
