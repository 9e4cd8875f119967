// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package sdkpayload

import (
	"github.com/auditchain/auditchain/internal/payload"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
)

// groups remembers the resource and the scope that it saw last. Both are
// immutable in the SDK, and a program has few of them.
type groups struct {
	res      *resource.Resource
	resGroup *payload.Group

	scp      instrumentation.Scope
	scpGroup *payload.Group
}

func (g *groups) resource(r *resource.Resource) *payload.Group {
	if r == nil {
		return nil
	}
	if g.resGroup == nil || g.res != r {
		g.res = r
		g.resGroup = &payload.Group{Attributes: r.Attributes(), SchemaURL: r.SchemaURL()}
	}
	return g.resGroup
}

func (g *groups) scope(s instrumentation.Scope) *payload.Group {
	// Set.Equals compares hashes only, which is not enough to put one scope in
	// the place of another.
	if g.scpGroup == nil || g.scp != s {
		g.scp = s
		g.scpGroup = &payload.Group{Name: s.Name, Version: s.Version, SchemaURL: s.SchemaURL, Attributes: s.Attributes.ToSlice()}
	}
	return g.scpGroup
}
