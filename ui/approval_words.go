package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"

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
		return lang.L("someone without a token")
	}
	return visible(strings.Join(q.Audience, ", "))
}

// cameFrom is where it came in.
func cameFrom(q *backend.Question) string {
	switch q.Listener {
	case "local":
		return fmt.Sprintf(lang.L("%s, on this computer"), visible(q.Remote))
	case "tunnel":
		return fmt.Sprintf(lang.L("%s, through the tunnel"), visible(q.Remote))
	}
	return fmt.Sprintf(lang.L("%s, on the public side"), visible(q.Remote))
}

// ruleNumber is the number of the rule that asks, with its word.
func ruleNumber(q *backend.Question) string {
	n, _, _ := strings.Cut(q.Rule, " ")
	return fmt.Sprintf(lang.L("rule %s"), n)
}

// hourWords is what an answer for an hour covers.
func hourWords(q *backend.Question) string {
	who := fmt.Sprintf(lang.L("this token of %s"), callerWords(q))
	if len(q.Audience) == 0 {
		who = lang.L("anyone without a token")
	}
	return fmt.Sprintf(lang.L("For an hour: every %s that %s asks about, from %s."), visible(q.Method), ruleNumber(q), who)
}

// leftWords is how long the caller waits yet, or what it was told.
func leftWords(q *backend.Question, now time.Time) string {
	switch left := q.Until.Sub(now); {
	case !q.Open():
		return answerWords(q)
	case q.Waiting == 0 || left <= 0:
		return fmt.Sprintf(lang.L("The caller was told to come again. Your answer is kept for that until %s."), q.Expires.Local().Format("15:04"))
	case q.Waiting > 1:
		return fmt.Sprintf(lang.L("%d same calls wait %d s more. Allow once lets one of them pass."), q.Waiting, seconds(left))
	default:
		return fmt.Sprintf(lang.L("The caller waits %d s more."), seconds(left))
	}
}

// seconds is how many are left, the one that has begun included.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// answerWords is the answer that was given.
func answerWords(q *backend.Question) string {
	words := map[backend.Answer]string{backend.AllowOnce: lang.L("Allowed once"), backend.AllowHour: lang.L("Allowed for an hour"), backend.AllowAlways: lang.L("Allowed by a new rule"), backend.Deny: lang.L("Denied")}
	return fmt.Sprintf(lang.L("%s by %s at %s."), words[q.Answer], q.By, q.Answered.Local().Format("15:04"))
}

// questionState is a question at a glance.
func questionState(q *backend.Question, now time.Time) (m mark, word, detail string) {
	switch {
	case q.Answer == backend.Deny:
		return markFailed, lang.L("Denied"), fmt.Sprintf(lang.L("by %s"), q.By)
	case !q.Open():
		word = map[backend.Answer]string{backend.AllowOnce: lang.L("Allowed once"), backend.AllowHour: lang.L("Allowed for an hour"), backend.AllowAlways: lang.L("Allowed always")}[q.Answer]
		return markGood, word, fmt.Sprintf(lang.L("by %s"), q.By)
	case q.Waiting > 0:
		return markWarning, lang.L("Waits"), fmt.Sprintf(lang.L("%d s more"), seconds(max(0, q.Until.Sub(now))))
	}
	return markInfo, lang.L("No answer yet"), fmt.Sprintf(lang.L("kept until %s"), q.Expires.Local().Format("15:04"))
}

// waitingWords says how many questions are open.
func waitingWords(n int) string {
	if n == 1 {
		return lang.L("1 call waits for your answer")
	}
	return fmt.Sprintf(lang.L("%d calls wait for your answer"), n)
}

// ordinal is which of the open questions is shown.
func ordinal(place, of int) string { return fmt.Sprintf(lang.L("%d of %d"), place, of) }
