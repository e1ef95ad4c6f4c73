// Package audit keeps the record of every exchange: what came in, what was
// decided, what came back. Records are redacted before they get here; none holds
// a credential, a service token or a cookie.
//
// # The files
//
// A log is a directory. Its records are in the files that end in ".jsonl", each
// named by the UUIDv7 that the first record meant for it got: in the order of
// their names they are the log, oldest record first. A file is JSON Lines in UTF-8,
// a record a line, each line ended by one "\n" (0x0a); what follows the last "\n"
// is not part of the log. An empty file is none. Everything else in the directory
// is beside the log: "index.db" with its "-wal" and "-shm" is made from it, "lock"
// is held by the process that writes, and what ends in ".torn" or ".damaged" was
// set aside.
//
// # The chain
//
// A line is HEAD CONTENT TAIL, byte by byte:
//
//	HEAD     {"id":"ID","seq":SEQ,"prev":"PREV",
//	CONTENT  "time":"…","service":"…", … as Exchange has it, without braces
//	TAIL     ,"hash":"HASH"}
//
// ID is a UUID of 36 characters, SEQ a decimal number without leading zeros. PREV
// and HASH are 32 bytes each in base64url (RFC 4648, section 5) without padding: 43
// characters. With SHA-256 and "+" for one after the other,
//
//	HASH = SHA256(HEAD + SHA256(CONTENT))
//
// where the inner hash is its 32 bytes, and HEAD is all of the line up to the comma
// after PREV. PREV is the HASH of the record before, 32 zero bytes in the first
// record of a log. SEQ is one more than that of the record before, and 1 in the
// first one. HEAD is as long as SEQ makes it, and TAIL is the last 54 bytes of the
// line.
//
// # The head and the checkpoint
//
// Both are JSON objects in files of their own:
//
//	{"seq":SEQ,"hash":"HASH","time":"TIME","signature":"SIGNATURE"}
//
// The head is beside the directory and has its name with ".head" after it. It says
// that at TIME the newest record was SEQ, with HASH: a log that ends before SEQ was
// cut off, or is an old copy. It is written every two seconds at most, before a new
// log's first record (with SEQ 0 and a HASH of zero bytes), and at the end. What is
// newer than the head can be cut off unnoticed. A head that did not fit the log it
// was found with is kept with the moment after its name, and goes on to be a fault;
// one without a HASH says that there was none.
//
// The checkpoint is the file "checkpoint" in the directory. It says that the records
// up to SEQ were dropped on purpose: the log begins at SEQ+1, whose PREV is HASH.
// Records up to SEQ that are there still are about to be removed.
//
// SIGNATURE is HMAC-SHA256 in base64url without padding, or "" where there was no
// key yet. The key is the UTF-8 text of the secret keychain://lockbox/audit_key of
// the vault. What is signed is, without a "\n" at the end,
//
//	KIND "\n" SEQ "\n" HASH "\n" TIME
//
// where KIND is "lockbox audit head" or "lockbox audit checkpoint", SEQ is in
// decimal, and HASH and TIME are the texts that are in the file (TIME is RFC 3339
// in UTC, with as many digits of the second as it has).
package audit
