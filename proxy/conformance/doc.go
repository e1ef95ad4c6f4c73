// Package conformance holds tests only: what a caller and an upstream see of the
// built Lockbox, over TCP and from outside, whatever engine carries the bytes.
//
// A real HTTP test service answers through Lockbox as it does without it
// (httpbin_test.go), what attackers and broken clients write stays harmless
// (abuse_test.go), and the SDKs that people use work unmodified (sdk_test.go,
// build tag sdk). What Lockbox sends on is judged by an upstream that parses
// strictly and keeps every byte (recorder_test.go).
package conformance
