package ui

import (
	"fmt"
	"strings"
	"time"

	"lockbox/ui/backend"
)

// callLine is the call of a question in a line.
func callLine(q *backend.Question) string {
	s := q.Method + " " + q.Path
	if q.Path == "" {
		s += "/"
	}
	if q.Query != "" {
		s += "?" + q.Query
	}
	return visible(s)
}

// callerWords is whose call it is.
func callerWords(q *backend.Question) string {
	if len(q.Audience) == 0 {
		return "someone without a token"
	}
	return visible(strings.Join(q.Audience, ", "))
}

// cameFrom is where it came in.
func cameFrom(q *backend.Question) string {
	switch q.Listener {
	case "local":
		return visible(q.Remote) + ", on this computer"
	case "tunnel":
		return visible(q.Remote) + ", through the tunnel"
	}
	return visible(q.Remote) + ", on the public side"
}

// ruleNumber is the number of the rule that asks, with its word.
func ruleNumber(q *backend.Question) string {
	n, _, _ := strings.Cut(q.Rule, " ")
	return "rule " + n
}

// hourWords is what an answer for an hour covers.
func hourWords(q *backend.Question) string {
	who := "this token of " + callerWords(q)
	if len(q.Audience) == 0 {
		who = "anyone without a token"
	}
	return fmt.Sprintf("For an hour: every %s that %s asks about, from %s.", visible(q.Method), ruleNumber(q), who)
}

// leftWords is how long the caller waits yet, or what it was told.
func leftWords(q *backend.Question, now time.Time) string {
	switch left := q.Until.Sub(now); {
	case !q.Open():
		return answerWords(q)
	case q.Waiting == 0 || left <= 0:
		return "The caller was told to come again. Your answer is kept for that until " + q.Expires.Local().Format("15:04") + "."
	case q.Waiting > 1:
		return fmt.Sprintf("%d same calls wait %d s more. Allow once lets one of them pass.", q.Waiting, seconds(left))
	default:
		return fmt.Sprintf("The caller waits %d s more.", seconds(left))
	}
}

// seconds is how many are left, the one that has begun included.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// answerWords is the answer that was given.
func answerWords(q *backend.Question) string {
	words := map[backend.Answer]string{backend.AllowOnce: "Allowed once", backend.AllowHour: "Allowed for an hour", backend.AllowAlways: "Allowed by a new rule", backend.Deny: "Denied"}
	return fmt.Sprintf("%s by %s at %s.", words[q.Answer], q.By, q.Answered.Local().Format("15:04"))
}

// questionState is a question at a glance.
func questionState(q *backend.Question, now time.Time) (m mark, word, detail string) {
	switch {
	case q.Answer == backend.Deny:
		return markFailed, "Denied", "by " + q.By
	case !q.Open():
		word = map[backend.Answer]string{backend.AllowOnce: "Allowed once", backend.AllowHour: "Allowed for an hour", backend.AllowAlways: "Allowed always"}[q.Answer]
		return markGood, word, "by " + q.By
	case q.Waiting > 0:
		return markWarning, "Waits", fmt.Sprintf("%d s more", seconds(max(0, q.Until.Sub(now))))
	}
	return markInfo, "No answer yet", "kept until " + q.Expires.Local().Format("15:04")
}

// waitingWords says how many questions are open.
func waitingWords(n int) string {
	if n == 1 {
		return "1 call waits for your answer"
	}
	return fmt.Sprintf("%d calls wait for your answer", n)
}

// ordinal is which of the open questions is shown.
func ordinal(place, of int) string { return fmt.Sprintf("%d of %d", place, of) }
