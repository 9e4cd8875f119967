// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

const (
	typeSessionCreated    = "session_created"
	typeCredentialsIssued = "credentials_issued"
	typeSessionEnded      = "session_ended"
	typeBudgetWarning     = "budget_warning"
	typeBudgetExceeded    = "budget_exceeded"
	typeResourceCreated   = "resource_created"
)

// SessionCreated says that a session began: somebody may now act under a role.
// [Session.Created] makes it.
type SessionCreated struct {
	// RoleARN is the role: an ARN for AWS, a service account for GCP, a
	// subscription for Azure.
	RoleARN string `json:"role_arn"`
	// TTLSeconds is how long the session may last; 0 says that it has no end.
	TTLSeconds uint64 `json:"ttl_seconds"`
	// Budget is what the session may spend; nil (null in the file) when unset.
	Budget *float64 `json:"budget"`
	// AllowedActions are action patterns in the provider's own form.
	AllowedActions []string `json:"allowed_actions"`
	// Command is the command that the session was opened for.
	Command []string `json:"command"`
	// AgentID names the AI agent or model; left out of the file when empty.
	AgentID string `json:"agent_id,omitempty"`
}

// EventType returns "session_created".
func (SessionCreated) EventType() string { return typeSessionCreated }

func (e SessionCreated) eventFields() []attribute.KeyValue {
	f := []attribute.KeyValue{
		attribute.String("role_arn", e.RoleARN),
		attribute.Int64("ttl_seconds", int64(min(e.TTLSeconds, math.MaxInt64))), // check refuses more
		// An empty value is how OpenTelemetry carries null, and the SDK keeps
		// attributes that have one: only an empty key makes one invalid.
		{Key: "budget"},
		attribute.StringSlice("allowed_actions", e.AllowedActions),
		attribute.StringSlice("command", e.Command),
	}
	if e.Budget != nil {
		f[2].Value = attribute.Float64Value(*e.Budget)
	}
	if e.AgentID != "" {
		f = append(f, attribute.String("agent_id", e.AgentID))
	}
	return f
}

func (e SessionCreated) check() error {
	if e.TTLSeconds > math.MaxInt64 {
		return errors.New("ttl_seconds does not fit an int64, the integer of OpenTelemetry")
	}
	if e.Budget != nil {
		return checkFinite("budget", *e.Budget)
	}
	return nil
}

func (e SessionCreated) describe(s *Session) description {
	var b strings.Builder
	b.WriteString("session created: ")
	b.WriteString(orNone(e.RoleARN, "no role"))
	fmt.Fprintf(&b, ", %s", count(len(e.AllowedActions), "allowed action"))
	if n := len(e.Command); n > 0 {
		// Never the arguments themselves: they may hold secrets, and a body is
		// the one place that every backend shows.
		fmt.Fprintf(&b, ", command with %s", count(n-1, "argument"))
	}
	if e.TTLSeconds > 0 {
		fmt.Fprintf(&b, ", for %d s", e.TTLSeconds)
	}
	d := description{
		sentence: b.String(),
		severity: info,
		action:   "session.create",
		outcome:  OutcomeSuccess,
	}
	if e.RoleARN != "" {
		d.target = party{e.RoleARN, roleKind(s)}
	}
	return d
}

// CredentialsIssued says that short-lived credentials were given to a session.
type CredentialsIssued struct {
	// AccessKeyID names the credentials. It is no secret by itself.
	AccessKeyID string `json:"access_key_id"`
	// ExpiresAt is when they end, written in UTC with nine fractional digits.
	ExpiresAt time.Time `json:"expires_at"`
}

// EventType returns "credentials_issued".
func (CredentialsIssued) EventType() string { return typeCredentialsIssued }

func (e CredentialsIssued) eventFields() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("access_key_id", e.AccessKeyID),
		attribute.String("expires_at", e.ExpiresAt.UTC().Format(timeFormat)),
	}
}

func (e CredentialsIssued) check() error { return checkTime("expires_at", e.ExpiresAt) }

func (e CredentialsIssued) describe(*Session) description {
	d := description{
		sentence: "credentials issued until " + e.ExpiresAt.UTC().Format(time.RFC3339),
		severity: info,
		action:   "credentials.issue",
		outcome:  OutcomeSuccess,
	}
	if e.AccessKeyID != "" {
		d.target = party{e.AccessKeyID, "access_key"}
	}
	return d
}

// Session states that the older system writes. SessionEnded takes any text.
const (
	SessionCompleted = "completed"
	SessionFailed    = "failed"
	SessionExpired   = "expired"
	SessionRevoked   = "revoked"
)

// SessionEnded says that a session is over. [Session.Ended] makes it.
type SessionEnded struct {
	// Status says how it ended, such as SessionCompleted.
	Status string `json:"status"`
	// DurationSeconds is how long it lasted.
	DurationSeconds int64 `json:"duration_seconds"`
	// ExitCode is that of the session's command; nil (null in the file) when
	// there is none.
	ExitCode *int32 `json:"exit_code"`
}

// EventType returns "session_ended".
func (SessionEnded) EventType() string { return typeSessionEnded }

func (e SessionEnded) eventFields() []attribute.KeyValue {
	f := []attribute.KeyValue{
		attribute.String("status", e.Status),
		attribute.Int64("duration_seconds", e.DurationSeconds),
		{Key: "exit_code"},
	}
	if e.ExitCode != nil {
		f[2].Value = attribute.Int64Value(int64(*e.ExitCode))
	}
	return f
}

func (SessionEnded) check() error { return nil }

func (e SessionEnded) describe(s *Session) description {
	d := description{
		sentence: "session ended: " + orNone(e.Status, "no status"),
		severity: info,
		action:   "session.end",
		outcome:  e.outcome(),
		target:   sessionParty(s),
	}
	if e.ExitCode != nil {
		d.sentence += ", exit code " + strconv.FormatInt(int64(*e.ExitCode), 10)
		d.extra = []attribute.KeyValue{attribute.Int64("process.exit.code", int64(*e.ExitCode))}
	}
	d.sentence += fmt.Sprintf(", after %d s", e.DurationSeconds)
	if d.outcome == OutcomeFailure {
		d.severity = warn
	}
	return d
}

// outcome follows the exit code, which is what happened, before the status,
// which is what somebody called it.
func (e SessionEnded) outcome() Outcome {
	switch {
	case e.ExitCode != nil && *e.ExitCode == 0 && e.Status != SessionFailed, e.ExitCode == nil && e.Status == SessionCompleted:
		return OutcomeSuccess
	case e.ExitCode != nil, e.Status == SessionFailed:
		return OutcomeFailure
	}
	return OutcomeUnknown
}

// BudgetWarning says that a session nears its budget.
type BudgetWarning struct {
	// CurrentSpend is what was spent so far.
	CurrentSpend float64 `json:"current_spend"`
	// Limit is the budget.
	Limit float64 `json:"limit"`
}

// EventType returns "budget_warning".
func (BudgetWarning) EventType() string { return typeBudgetWarning }

func (e BudgetWarning) eventFields() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.Float64("current_spend", e.CurrentSpend), attribute.Float64("limit", e.Limit)}
}

func (e BudgetWarning) check() error {
	return errors.Join(checkFinite("current_spend", e.CurrentSpend), checkFinite("limit", e.Limit))
}

func (e BudgetWarning) describe(s *Session) description {
	return description{
		sentence: fmt.Sprintf("budget warning: %.2f of %.2f spent", e.CurrentSpend, e.Limit),
		severity: warn,
		action:   "budget.warn",
		outcome:  OutcomeUnknown,
		target:   sessionParty(s),
	}
}

// BudgetExceeded says that a session spent more than its budget.
type BudgetExceeded struct {
	// FinalSpend is what was spent.
	FinalSpend float64 `json:"final_spend"`
	// Limit is the budget.
	Limit float64 `json:"limit"`
}

// EventType returns "budget_exceeded".
func (BudgetExceeded) EventType() string { return typeBudgetExceeded }

func (e BudgetExceeded) eventFields() []attribute.KeyValue {
	return []attribute.KeyValue{attribute.Float64("final_spend", e.FinalSpend), attribute.Float64("limit", e.Limit)}
}

func (e BudgetExceeded) check() error {
	return errors.Join(checkFinite("final_spend", e.FinalSpend), checkFinite("limit", e.Limit))
}

func (e BudgetExceeded) describe(s *Session) description {
	return description{
		sentence: fmt.Sprintf("budget exceeded: %.2f of %.2f spent", e.FinalSpend, e.Limit),
		severity: critical,
		action:   "budget.exceed",
		outcome:  OutcomeFailure,
		target:   sessionParty(s),
	}
}

// ResourceCreated says that a session created a resource in the cloud.
type ResourceCreated struct {
	// Service is the provider's service, such as "s3".
	Service string `json:"service"`
	// ResourceType is the kind of resource, such as "bucket".
	ResourceType string `json:"resource_type"`
	// Identifier names the resource.
	Identifier string `json:"identifier"`
}

// EventType returns "resource_created".
func (ResourceCreated) EventType() string { return typeResourceCreated }

func (e ResourceCreated) eventFields() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("service", e.Service),
		attribute.String("resource_type", e.ResourceType),
		attribute.String("identifier", e.Identifier),
	}
}

func (ResourceCreated) check() error { return nil }

func (e ResourceCreated) describe(*Session) description {
	d := description{
		sentence: fmt.Sprintf("resource created: %s %s %s", e.Service, e.ResourceType, e.Identifier),
		severity: info,
		action:   "resource.create",
		outcome:  OutcomeSuccess,
	}
	if e.Identifier != "" {
		d.target = party{e.Identifier, e.ResourceType}
	}
	return d
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
