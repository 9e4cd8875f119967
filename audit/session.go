// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
)

// Environment variables that name the agent of a session, the first that is set
// and not empty. The second is that of the older system.
const (
	EnvAgentID      = "AUDITCHAIN_AGENT_ID"
	EnvAgentIDOlder = "AUDEX_AGENT_ID"
)

// Session is a stretch of time in which somebody may act under a role: what the
// events in it have in common. It never changes, so it is safe for concurrent
// use.
type Session struct {
	id       uuid.UUID
	provider Provider
	role     string
	ttl      time.Duration
	budget   *float64
	actions  []Action
	command  []string
	agentID  string
	started  time.Time
}

// SessionOption configures a [Session].
type SessionOption interface{ applySession(*sessionConfig) }

type sessionConfig struct {
	Session
	actions []string
	errs    []error
}

type sessionOption func(*sessionConfig)

func (f sessionOption) applySession(c *sessionConfig) { f(c) }

// WithSessionID gives the session's id; without it, a new random UUID.
func WithSessionID(id uuid.UUID) SessionOption {
	return sessionOption(func(c *sessionConfig) {
		if id == uuid.Nil {
			c.errs = append(c.errs, errors.New("the session id is all zero"))
		}
		c.id = id
	})
}

// WithProvider names the cloud; without it, AWS.
func WithProvider(p Provider) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.provider = p })
}

// WithRole names the role: an ARN for AWS, a service account for GCP, a
// subscription for Azure.
func WithRole(role string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.role = role })
}

// WithTTL says how long the session may last, in whole seconds; without it, it
// has no end.
func WithTTL(d time.Duration) SessionOption {
	return sessionOption(func(c *sessionConfig) {
		if d <= 0 || d%time.Second != 0 {
			c.errs = append(c.errs, fmt.Errorf("ttl %s: give a positive number of whole seconds", d))
		}
		c.ttl = d
	})
}

// WithBudget says what the session may spend.
func WithBudget(limit float64) SessionOption {
	return sessionOption(func(c *sessionConfig) {
		if err := checkFinite("the budget", limit); err != nil {
			c.errs = append(c.errs, err)
		} else if limit < 0 {
			c.errs = append(c.errs, errors.New("the budget is negative"))
		}
		c.budget = &limit
	})
}

// WithAllowedActions says what the session may do, as patterns in the form of
// its provider ([ParseAction]).
func WithAllowedActions(patterns ...string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.actions = append(c.actions, patterns...) })
}

// WithCommand gives the command that the session is for, with its arguments.
// Secrets in it are masked by processor/redactlog and by the sink, not here.
func WithCommand(argv ...string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.command = slices.Clone(argv) })
}

// WithAgentID names the AI agent or model that acts; without it, that is the
// value of AUDITCHAIN_AGENT_ID, else of AUDEX_AGENT_ID.
func WithAgentID(id string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.agentID = id })
}

// NewSession returns a session that begins now. It says everything that is wrong
// with the options at once.
func NewSession(opts ...SessionOption) (*Session, error) {
	c := sessionConfig{Session: Session{provider: AWS, started: time.Now()}}
	for _, name := range []string{EnvAgentIDOlder, EnvAgentID} {
		if v := os.Getenv(name); v != "" {
			c.agentID = v
		}
	}
	for _, o := range opts {
		o.applySession(&c)
	}
	if c.id == uuid.Nil {
		id, err := uuid.NewRandom()
		if err != nil {
			return nil, fmt.Errorf("session: no id: %w", err)
		}
		c.id = id
	}
	if !c.provider.Valid() {
		c.errs = append(c.errs, unknownProvider(string(c.provider)))
	} else {
		for _, text := range c.actions {
			a, err := ParseAction(c.provider, text)
			if err != nil {
				c.errs = append(c.errs, err)
			}
			c.Session.actions = append(c.Session.actions, a)
		}
	}
	if !utf8.ValidString(c.role) {
		c.errs = append(c.errs, errors.New("the role is not valid UTF-8"))
	}
	if !utf8.ValidString(c.agentID) {
		c.errs = append(c.errs, errors.New("the agent id is not valid UTF-8"))
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	s := c.Session
	return &s, nil
}

// ID returns the session's id.
func (s *Session) ID() uuid.UUID { return s.id }

// Provider returns the session's provider.
func (s *Session) Provider() Provider { return s.provider }

// Role returns the session's role, possibly empty.
func (s *Session) Role() string { return s.role }

// TTL returns how long the session may last; 0 when it has no end.
func (s *Session) TTL() time.Duration { return s.ttl }

// Budget returns what the session may spend, and whether there is a limit.
func (s *Session) Budget() (limit float64, ok bool) {
	if s.budget == nil {
		return 0, false
	}
	return *s.budget, true
}

// AllowedActions returns what the session may do.
func (s *Session) AllowedActions() []Action { return slices.Clone(s.actions) }

// Command returns the command that the session is for.
func (s *Session) Command() []string { return slices.Clone(s.command) }

// AgentID returns the agent that acts, possibly empty.
func (s *Session) AgentID() string { return s.agentID }

// Started returns when the session began.
func (s *Session) Started() time.Time { return s.started }

// Created returns the event that says that the session began.
func (s *Session) Created() SessionCreated {
	e := SessionCreated{
		RoleARN:        s.role,
		TTLSeconds:     uint64(s.ttl / time.Second),
		AllowedActions: make([]string, len(s.actions)),
		Command:        s.Command(),
		AgentID:        s.agentID,
	}
	for i, a := range s.actions {
		e.AllowedActions[i] = a.String()
	}
	if s.budget != nil {
		e.Budget = new(*s.budget)
	}
	return e
}

// CredentialsIssued returns the event that says that credentials were issued.
func (s *Session) CredentialsIssued(accessKeyID string, expiresAt time.Time) CredentialsIssued {
	return CredentialsIssued{AccessKeyID: accessKeyID, ExpiresAt: expiresAt}
}

// Ended returns the event that says that the session is over. Its duration is
// measured on the monotonic clock, so that a clock set back does not make it
// negative. exitCode may be nil.
func (s *Session) Ended(status string, exitCode *int32) SessionEnded {
	e := SessionEnded{Status: status, DurationSeconds: int64(time.Since(s.started) / time.Second)}
	if exitCode != nil {
		e.ExitCode = new(*exitCode)
	}
	return e
}

// BudgetWarning returns the event that says that spend nears the session's
// budget. A session without a budget has the limit 0 in it.
func (s *Session) BudgetWarning(spend float64) BudgetWarning {
	limit, _ := s.Budget()
	return BudgetWarning{CurrentSpend: spend, Limit: limit}
}

// BudgetExceeded returns the event that says that spend is over the session's
// budget. A session without a budget has the limit 0 in it.
func (s *Session) BudgetExceeded(spend float64) BudgetExceeded {
	limit, _ := s.Budget()
	return BudgetExceeded{FinalSpend: spend, Limit: limit}
}

// ResourceCreated returns the event that says that a resource was created.
func (s *Session) ResourceCreated(service, resourceType, identifier string) ResourceCreated {
	return ResourceCreated{Service: service, ResourceType: resourceType, Identifier: identifier}
}

// attributes returns what every record in the session says; nothing for nil.
func (s *Session) attributes() []attribute.KeyValue {
	if s == nil {
		return nil
	}
	out := []attribute.KeyValue{keySessionID.String(s.id.String()), keyProvider.String(string(s.provider))}
	if s.agentID != "" {
		out = append(out, keyAgentID.String(s.agentID))
	}
	return out
}

func sessionParty(s *Session) party {
	if s == nil {
		return party{}
	}
	return party{s.id.String(), "session"}
}

// roleKind names what a role is in the session's cloud.
func roleKind(s *Session) string {
	if s != nil {
		switch s.provider {
		case GCP:
			return "service_account"
		case Azure:
			return "subscription"
		}
	}
	return "role"
}
