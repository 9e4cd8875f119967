// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// pollInterval is how often a condition is looked at.
const pollInterval = 50 * time.Millisecond

// Until polls a condition until it holds, fails, or the context ends. The condition
// says in a few words what it saw; the error of a wait that was in vain carries what
// was wanted and what was seen last.
func Until(ctx context.Context, want string, cond func(context.Context) (ok bool, saw string, err error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	last := "nothing yet"
	for {
		ok, saw, err := cond(ctx)
		switch {
		case ok:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("waiting for %s: %w (last seen: %s)", want, context.Cause(ctx), last)
		case err != nil:
			return fmt.Errorf("waiting for %s: %w", want, err)
		}
		last = saw
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort finds a TCP port of the loopback interface that nothing listens on. It
// stays below the range from which systems take the ports of outgoing connections,
// so that no client of the test itself can take it meanwhile, and never gives out a
// port twice.
func FreePort() (int, error) {
	const low, high = 15000, 30000
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		port := low + rand.IntN(high-low)
		if handedOut.ports[port] {
			continue
		}
		l, err := net.Listen("tcp", Loopback(port))
		if err != nil {
			continue // taken
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		handedOut.ports[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("no free port of 127.0.0.1 found between %d and %d", low, high)
}

// Loopback is the address of a loopback port.
func Loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
