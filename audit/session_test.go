// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/auditchain/auditchain/audit"
)

func noAgent(t *testing.T) {
	t.Setenv(audit.EnvAgentID, "")
	t.Setenv(audit.EnvAgentIDOlder, "")
}

func TestNewSession(t *testing.T) {
	noAgent(t)
	id := uuid.New()
	argv := []string{"terraform", "apply"}
	s, err := audit.NewSession(
		audit.WithSessionID(id), audit.WithProvider(audit.GCP), audit.WithRole("deploy@project"), audit.WithTTL(15*time.Minute),
		audit.WithBudget(10), audit.WithAllowedActions("storage.objects.get", "storage.objects.*"), audit.WithCommand(argv...), audit.WithAgentID("agent-7"),
	)
	if err != nil {
		t.Fatal(err)
	}
	argv[1] = "destroy"
	s.Command()[0] = "rm"
	s.AllowedActions()[0] = audit.Action{}
	limit, ok := s.Budget()
	if s.ID() != id || s.Provider() != audit.GCP || s.Role() != "deploy@project" || s.TTL() != 15*time.Minute || limit != 10 || !ok || s.AgentID() != "agent-7" || s.Started().IsZero() {
		t.Errorf("session %+v", s)
	}
	want := audit.SessionCreated{
		RoleARN: "deploy@project", TTLSeconds: 900, Budget: new(10.0),
		AllowedActions: []string{"storage.objects.get", "storage.objects.*"}, Command: []string{"terraform", "apply"}, AgentID: "agent-7",
	}
	if diff := cmp.Diff(want, s.Created()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	*s.Created().Budget = 99
	if limit, _ := s.Budget(); limit != 10 {
		t.Error("an event shares the session's budget")
	}
	if e := s.BudgetWarning(8); e != (audit.BudgetWarning{CurrentSpend: 8, Limit: 10}) {
		t.Errorf("%+v", e)
	}
	if e := s.BudgetExceeded(11); e != (audit.BudgetExceeded{FinalSpend: 11, Limit: 10}) {
		t.Errorf("%+v", e)
	}
	if e := s.ResourceCreated("storage", "bucket", "b"); e != (audit.ResourceCreated{Service: "storage", ResourceType: "bucket", Identifier: "b"}) {
		t.Errorf("%+v", e)
	}
	if e := s.CredentialsIssued("k", goldenTime); e != (audit.CredentialsIssued{AccessKeyID: "k", ExpiresAt: goldenTime}) {
		t.Errorf("%+v", e)
	}
	code := int32(3)
	e := s.Ended(audit.SessionFailed, &code)
	code = 4
	if e.Status != "failed" || *e.ExitCode != 3 || e.DurationSeconds < 0 {
		t.Errorf("%+v", e)
	}
}

func TestNewSessionDefaults(t *testing.T) {
	noAgent(t)
	one, err := audit.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	two, err := audit.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if one.ID() == two.ID() || one.ID() == uuid.Nil || one.Provider() != audit.AWS {
		t.Errorf("ids %s and %s, provider %s", one.ID(), two.ID(), one.Provider())
	}
	if _, ok := one.Budget(); ok {
		t.Error("a budget from nowhere")
	}
	if e := one.Ended("completed", nil); e.ExitCode != nil {
		t.Error("an exit code from nowhere")
	}
}

func TestNewSessionAgent(t *testing.T) {
	for _, tt := range []struct{ ours, older, want string }{{"", "", ""}, {"a", "", "a"}, {"", "b", "b"}, {"a", "b", "a"}} {
		t.Setenv(audit.EnvAgentID, tt.ours)
		t.Setenv(audit.EnvAgentIDOlder, tt.older)
		s, err := audit.NewSession()
		if err != nil || s.AgentID() != tt.want {
			t.Errorf("%+v: %q, %v", tt, s.AgentID(), err)
		}
		if s, err = audit.NewSession(audit.WithAgentID("c")); err != nil || s.AgentID() != "c" {
			t.Errorf("the option: %q, %v", s.AgentID(), err)
		}
	}
}

func TestNewSessionRefuses(t *testing.T) {
	noAgent(t)
	for want, opt := range map[string]audit.SessionOption{
		"ttl":             audit.WithTTL(-time.Second),
		"whole seconds":   audit.WithTTL(1500 * time.Millisecond),
		"finite":          audit.WithBudget(math.NaN()),
		"negative":        audit.WithBudget(-1),
		`"oracle"`:        audit.WithProvider("oracle"),
		"service:Action":  audit.WithAllowedActions("s3:GetObject", "storage.objects.get"),
		"all zero":        audit.WithSessionID(uuid.Nil),
		"role is not":     audit.WithRole("\xff"),
		"agent id is not": audit.WithAgentID("\xff"),
	} {
		if s, err := audit.NewSession(opt); s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, s, err)
		}
	}
	_, err := audit.NewSession(audit.WithTTL(-1), audit.WithBudget(-1))
	if err == nil || !strings.Contains(err.Error(), "ttl") || !strings.Contains(err.Error(), "budget") {
		t.Errorf("not both are named: %v", err)
	}
}

// The events are those of the older system to the byte, but for times, which
// have nine fractional digits here.
func TestEventJSON(t *testing.T) {
	for _, tt := range []struct {
		event audit.Event
		want  string
	}{
		{audit.SessionCreated{RoleARN: "r", TTLSeconds: 900, AllowedActions: []string{"s3:Get*"}, Command: []string{"a", "b"}},
			`{"type":"session_created","role_arn":"r","ttl_seconds":900,"budget":null,"allowed_actions":["s3:Get*"],"command":["a","b"]}`},
		{audit.SessionCreated{Budget: new(10.0), AgentID: "x"},
			`{"type":"session_created","role_arn":"","ttl_seconds":0,"budget":10.0,"allowed_actions":[],"command":[],"agent_id":"x"}`},
		{audit.CredentialsIssued{AccessKeyID: "k", ExpiresAt: goldenTime.In(time.FixedZone("", 3600))},
			`{"type":"credentials_issued","access_key_id":"k","expires_at":"2026-11-23T10:15:00.000000000Z"}`},
		{audit.SessionEnded{Status: "completed", DurationSeconds: 12},
			`{"type":"session_ended","status":"completed","duration_seconds":12,"exit_code":null}`},
		{audit.SessionEnded{Status: "failed", DurationSeconds: 12, ExitCode: new(int32(-9))},
			`{"type":"session_ended","status":"failed","duration_seconds":12,"exit_code":-9}`},
		{audit.BudgetWarning{CurrentSpend: 8.5, Limit: 10},
			`{"type":"budget_warning","current_spend":8.5,"limit":10.0}`},
		{audit.BudgetExceeded{FinalSpend: 1e21, Limit: 0},
			`{"type":"budget_exceeded","final_spend":1e+21,"limit":0.0}`},
		{audit.ResourceCreated{Service: "s3", ResourceType: "bucket", Identifier: "b\"<"},
			`{"type":"resource_created","service":"s3","resource_type":"bucket","identifier":"b\"<"}`},
	} {
		m := tt.event.(json.Marshaler)
		got, err := m.MarshalJSON()
		if err != nil || string(got) != tt.want {
			t.Errorf("%s (%v)\nwant %s", got, err, tt.want)
		}
		back, err := audit.ParseEvent(got)
		if err != nil {
			t.Error(err)
			continue
		}
		again, err := back.(json.Marshaler).MarshalJSON()
		if _, custom := back.(audit.Custom); custom || err != nil || string(again) != tt.want {
			t.Errorf("read back: %#v, %s, %v", back, again, err)
		}
		if back.EventType() != tt.event.EventType() || len(audit.Fields(back)) != len(audit.Fields(tt.event)) {
			t.Errorf("read back: %#v", back)
		}
	}
}

func ExampleNewSession() {
	session, err := audit.NewSession(
		audit.WithRole("arn:aws:iam::123456789012:role/deploy"),
		audit.WithTTL(15*time.Minute),
		audit.WithAllowedActions("s3:Get*"),
		audit.WithCommand("terraform", "apply"),
		audit.WithAgentID("release-agent"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := session.Created().MarshalJSON()
	fmt.Println(string(text))
	// Output: {"type":"session_created","role_arn":"arn:aws:iam::123456789012:role/deploy","ttl_seconds":900,"budget":null,"allowed_actions":["s3:Get*"],"command":["terraform","apply"],"agent_id":"release-agent"}
}
