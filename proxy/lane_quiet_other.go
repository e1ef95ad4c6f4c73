//go:build !unix

package proxy

import "net"

// lanes is false: there is no way to know whether an idle connection is alive,
// so net/http, which has a goroutine on each, carries all calls.
const lanes = false

func quiet(net.Conn) bool { return false }

func (e *eager) poll(uintptr) bool { e.n = -1; return true }
