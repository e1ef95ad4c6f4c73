// Package bench measures Lockbox beside what people would put in its place: the
// same upstream, the same job (check a service token, put a credential on, write
// a record) and one core each for proxy and load. make bench runs it.
package bench
