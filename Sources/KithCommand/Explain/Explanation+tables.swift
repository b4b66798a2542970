// SPDX-License-Identifier: Apache-2.0

import KithAlerts
import KithDialects
import KithInference
import KithModel
import KithTrust

// One line for each case: the compiler asks for that of a new one.

extension Explanation {
    init(_ code: ChatError.Code) {
        let (meaning, remedy) =
            switch code {
            case .unreachable: ("The engine or the machine cannot be reached.", "Run kith doctor there.")
            case .timeout:
                ("A time limit passed: no first token, or silence in the middle.", "See how busy it is: kith top.")
            case .deadlineExceeded:
                ("The time that the client allowed has passed.", "Allow more, or ask for a shorter answer.")
            case .interrupted:
                (
                    "The answer broke off, and no other machine could go on with it.",
                    "Ask again; a second machine with the model would have gone on."
                )
            case .invalidAnswer:
                ("The engine answered in no form that it should.", "Update the engine, or try another.")
            case .engineError: ("The engine failed.", "Look at the engine's own log.")
            case .overloaded: ("All places and the queue are full.", "Try again after the time in Retry-After.")
            case .rateLimited:
                ("A provider, or the limit of a key, allows no more for now.", "Wait for the time in Retry-After.")
            case .modelNotFound:
                (
                    "No machine has a model of that name.",
                    "See the names: kith model list --all. Where Ollama is the engine, kith model pull gets it; the small engine "
                        + "that kith installs has its one model."
                )
            case .nodeNotFound: ("There is no machine of yours of that name.", "See the names: kith peers.")
            case .malformedRequest:
                ("The request is not what the dialect calls one.", "Mend the program that sends it.")
            case .invalidRequest: ("The request is well formed, and cannot be served.", "See the field in the message.")
            case .unauthorized: ("The engine or its provider refuses the key.", "Set the right key and start anew.")
            case .cannotContinue:
                ("The engine cannot go on with an answer of another one.", "Ask again; the next one is asked anew.")
            case .unsupported: ("No engine that has the model offers this.", "Choose a model that does.")
            case .noEngine: ("No machine can answer now.", "The message says why; kith engine install, or wait.")
            case .cancelled: ("The client has gone.", "Nothing.")
            }
        self.init(code.word, meaning, remedy)
    }

    init(_ reason: SkipReason) {
        let (meaning, remedy) =
            switch reason {
            case .notKin: ("It belongs to someone else and never gets your prompts.", "Nothing; that is the wall.")
            case .down: ("It cannot be reached.", "Start it, or run kith doctor.")
            case .asleep:
                (
                    "It sleeps; a prompt that nobody else can answer wakes it.",
                    "Ask, or run kith wake; see docs/sleep.md."
                )
            case .unknown: ("It has not been heard of since this node started.", "Start it, or run kith doctor.")
            case .draining:
                ("It takes no new prompts.", "Run kith pause --off there, or end the program for which it pauses.")
            case .noEngine: ("It has no model.", "Run kith engine install there, or start Ollama.")
            case .engineDown: ("Its engine does not answer.", "Start the engine there.")
            case .engineLoading: ("It is loading its model.", "Wait; prompts wait by themselves.")
            case .beingDescribed: ("It has not said yet what it offers.", "Wait a second.")
            case .modelAbsent: ("It does not have the model.", "Install the model there, or name another one.")
            case .notAllowed: ("The client's key may not ask for its models.", "Make a key with other --models.")
            case .runsElsewhere: ("Its models run at a provider.", "Name the model to ask for it.")
            case .lacks: ("Its engine does not offer what is asked for.", "Choose a model that does.")
            case .contextTooShort: ("The prompt is longer than it reads.", "Shorten the prompt, or use another model.")
            case .noRoom:
                (
                    "It would have to load the model and has too little free memory, and another machine has enough.",
                    "Unload another model there: kith place."
                )
            case .breakerOpen: ("It failed several times and is left alone.", "Wait; it is tried again by itself.")
            case .heldBack: ("It asked for a pause, or refused a key.", "Wait, or set the right key there.")
            case .pinnedElsewhere: ("Another machine was asked for by name.", "Leave x-kith-node or --node out.")
            case .failed: ("It was tried for this prompt, and failed.", "Nothing; the next one was asked.")
            }
        self.init(reason.word, meaning, remedy)
    }

    init(_ code: RequestRefusalCode) {
        let (meaning, remedy) =
            switch code {
            case .invalidKey:
                (
                    "The program shows no key, or one that does not hold.",
                    "Make one: kith key create; kith audit says why one was refused."
                )
            case .missingScope: ("The key does not allow this.", "Make one with the scope that is named.")
            case .addressDenied: ("Programs at this address may not ask.", "Change server.allow or server.deny.")
            case .sessionEnded: ("The page was open for too long, or signed out.", "Open it again: kith dashboard.")
            case .foreignHost:
                (
                    "The node was asked by a name that is not its own.",
                    "Use localhost, or add the name to server.allowed_hosts."
                )
            case .foreignOrigin:
                ("A browser asked for a page that may not use this node.", "Name the page in server.allowed_origins.")
            case .limitReached:
                (
                    "The key, or the address, has used up what it may for now.",
                    "Wait for the time in Retry-After; kith usage shows the limits."
                )
            case .modelNotAllowed: ("The key may not ask for this model.", "Ask for one that is named.")
            case .addressNotAllowed: ("The key may not be used from this address.", "Make one with --allow for it.")
            }
        self.init(code.rawValue, meaning, remedy)
    }

    /// What OpenAI's Responses have in place of the codes of other answers.
    static let ofResponses = [
        Explanation(
            ResponsesFailure.tooLong, "The prompt is longer than the model reads.",
            "Shorten it, or ask a model that reads more: kith model list."),
        Explanation("invalid_prompt", "Something in the request cannot be served.", "The message says what."),
        Explanation("server_error", "No answer came about.", "The message says why."),
    ]

    init(_ rule: AlertRule) {
        let sentence = rule.sentence(rule.subject == .peer ? "a machine" : "this node")
        self.init(
            rule.condition.rawValue, sentence.prefix(1).uppercased() + sentence.dropFirst() + ".", "Now: kith alerts.")
    }

    /// The words of ``NodeStatus/Peer/state``, and `paused` in place of one of them.
    static let ofStates = [
        Explanation("up", "It answers.", "Nothing."),
        Explanation("paused", "It answers, and takes no new prompts.", "Run kith pause --off there."),
        Explanation(
            "suspect", "It has not answered lately; prompts go to others first.",
            "Wait some seconds: it is up or down then."),
        Explanation("down", "It does not answer, and no other machine hears it.", "Start it, or run kith doctor."),
        Explanation("left", "It said goodbye: its node was stopped.", "Start it there: kith setup."),
        Explanation("asleep", "The machine sleeps.", "Run kith wake, or ask; see docs/sleep.md."),
        Explanation(
            "unknown", "It has not been heard of since this node started.", "Start it, or run kith doctor."),
        Explanation("incompatible", "It speaks another version of the protocol.", "Update the older of both nodes."),
        Explanation("cloned", "Two running nodes have its identity.", "Stop the copy and run there kith rekey --yes."),
        Explanation(
            "plain", "A service of the seeds, which is not watched.", "Nothing; kith doctor --url looks at it."),
    ]

    init(_ unreadable: PairingCode.Unreadable) {
        let (meaning, remedy) =
            switch unreadable {
            case .empty: ("No code was given.", "Run kith invite on the other machine and paste what it prints.")
            case .tooLong: ("What was pasted is longer than any code.", "Paste the code, and only that.")
            case .foreignCharacter: ("A character is in no code.", "Copy the code again.")
            case .incomplete: ("Only a part of the code has come.", "Paste all of it.")
            case .damaged: ("A character is missing or wrong.", "Copy the code again, all of it.")
            case .otherVersion: ("Another version of kith made the code.", "Update both machines.")
            case .unknownWord: ("A word is none of the list.", "Look at the six words again, and type all of them.")
            case .wordCount: ("More or fewer than six words were given.", "Type all six in one line.")
            case .damagedWords: ("One of the words is wrong, or two are swapped.", "Type the six words again.")
            }
        self.init(unreadable.word, meaning, remedy)
    }

    /// What is told at the pairing itself, in two sentences.
    init(_ refusal: PairingRefusal) {
        let parts = refusal.description.split(separator: "; ", maxSplits: 1).map(String.init)
        let remedy = parts.last ?? ""
        self.init(refusal.rawValue, parts[0] + ".", remedy.prefix(1).uppercased() + remedy.dropFirst())
    }

    init(_ refusal: KeyRefusal) {
        let (meaning, remedy) =
            switch refusal {
            case .malformed: ("It is no key of kith.", "Give the program the key as kith key create printed it.")
            case .unknown: ("This node has made no such key.", "Make one: kith key create.")
            case .wrongSecret: ("The key's end is wrong.", "Copy the key again; if it is lost, make a new one.")
            case .expired: ("The key has expired.", "Make a new one: kith key create.")
            case .revoked: ("The key was revoked.", "Make a new one, if the program may come in again.")
            }
        self.init(refusal.rawValue, meaning, remedy)
    }

    init(_ code: ControlError.Code) {
        let (meaning, remedy) =
            switch code {
            case .malformedCode: ("The pairing code is not one, or not whole.", "Copy all of it again.")
            case .expiredCode: ("The pairing code is too old.", "Make a new one: kith invite --tier kin.")
            case .refusedCode: ("The other machine does not take the code.", "Make a new one: kith invite --tier kin.")
            case .wrongNode: ("Another node answers at the code's addresses.", "Make a new code on the right machine.")
            case .unreachable: ("The other machine cannot be reached.", "Start it with --lan; run kith doctor.")
            case .incompatible: ("The two versions of kith do not fit.", "Update the older one.")
            case .tooManyAttempts: ("There were too many attempts.", "Wait a minute.")
            case .unknownPeer: ("No paired machine has that name or id.", "See the names: kith peers.")
            case .ambiguousPeer: ("Several machines begin like that.", "Write more of the name.")
            case .unknownKey: ("There is no such key.", "See them: kith key list.")
            case .notFound: ("There is nothing of that name or number.", "List what there is.")
            case .conflict: ("It does not fit what is there now.", "The message says how to go on.")
            case .busy: ("Too much of this goes on at the moment.", "Try again in a second.")
            case .invalid: ("The request cannot be taken.", "The message says what is wrong.")
            }
        self.init(code.rawValue, meaning, remedy)
    }

    /// - Returns: `nil` for success.
    init?(_ status: ExitStatus) {
        let (meaning, remedy): (String, String)
        switch status {
        case .ok: return nil
        case .failed: (meaning, remedy) = ("It failed; a doctor found warnings.", "The message says why.")
        case .errorsFound: (meaning, remedy) = ("The doctor found errors.", "Do what stands below them.")
        case .nodeUnreachable: (meaning, remedy) = ("No node answers.", "Start it: kith setup.")
        case .notAnswered: (meaning, remedy) = ("The node refused, or no engine answered.", "The message says why.")
        case .cutOff: (meaning, remedy) = ("The answer was cut off.", "Ask again.")
        case .usage: (meaning, remedy) = ("A flag or a setting cannot be used.", "The message says which.")
        case .interrupted: (meaning, remedy) = ("Ctrl-C, or a stop, ended it.", "Nothing.")
        case .outputClosed: (meaning, remedy) = ("Nobody reads its output any more.", "Nothing.")
        }
        self.init("\(status.rawValue)", meaning, remedy)
    }
}

extension SkipReason {
    /// One of each.
    static var examples: [SkipReason] {
        [
            .notKin, .down(""), .asleep(""), .unknown, .draining, .noEngine, .engineDown(""), .engineLoading,
            .beingDescribed,
            .modelAbsent, .notAllowed, .runsElsewhere, .lacks(.tools), .contextTooShort(0), .noRoom(0), .breakerOpen,
            .heldBack(""), .pinnedElsewhere, .failed(.engineError),
        ]
    }
}
