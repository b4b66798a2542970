# SPDX-License-Identifier: Apache-2.0
"""Requests that hold every field of the chat API of OpenAI, and some that it does not have.

A row is the fields beside `model`, or a whole body as its bytes, in which MODEL stands for the model.
"""

from __future__ import annotations

USER = {"role": "user", "content": "hi"}
# In an order that no sorting makes, so that one that is rebuilt is seen.
SCHEMA = {
    "type": "object",
    "required": ["zulu", "alpha"],
    "properties": {
        "zulu": {"type": "string", "description": "last first", "enum": ["b", "a"]},
        "alpha": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]},
        "mike": {"type": "array", "items": {"$ref": "#/$defs/point"}, "maxItems": 3},
    },
    "additionalProperties": False,
    "$defs": {"point": {"type": "object", "properties": {"y": {"type": "number"}, "x": {"type": "number"}}}},
}
FUNCTION = {"name": "look_up", "strict": True, "parameters": SCHEMA, "description": "Looks things up."}
TOOL = {"type": "function", "function": FUNCTION}
CUSTOM_TOOL = {
    "type": "custom",
    "custom": {
        "name": "calculate", "description": "Calculates.",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"1\"+"}},
    },
}  # fmt: skip
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"zulu": "a",  "alpha": 1}'}}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

FIELDS: dict[str, dict] = {
    "nothing more": {},
    "temperature and top_p": {"temperature": 1.0, "top_p": 0.95},
    "temperature that is a whole number": {"temperature": 1},
    "penalties": {"presence_penalty": -0.5, "frequency_penalty": 1e-7},
    "logit_bias": {"logit_bias": {"50256": -100, "11": 1.5}},
    "seed beyond a double": {"seed": 9_007_199_254_740_993},
    "max_tokens": {"max_tokens": 77},
    "max_completion_tokens": {"max_completion_tokens": 77},
    "stop as a text": {"stop": "\n\n"},
    "stop as a list": {"stop": ["a", "ü", ""]},
    "n": {"n": 2},
    "logprobs": {"logprobs": True, "top_logprobs": 5},
    "user": {"user": "somebody"},
    "safety_identifier": {"safety_identifier": "hash"},
    "prompt caching": {"prompt_cache_key": "key", "prompt_cache_retention": "24h"},
    "verbosity": {"verbosity": "low"},
    "reasoning_effort": {"reasoning_effort": "minimal"},
    "metadata and store": {"metadata": {"zulu": "1", "alpha": "2"}, "store": False},
    "service_tier": {"service_tier": "flex"},
    "parallel_tool_calls": {"parallel_tool_calls": False, "tools": [TOOL]},
    "modalities and audio": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "prediction": {"prediction": {"type": "content", "content": [{"type": "text", "text": "as before"}]}},
    "web_search_options": {
        "web_search_options": {
            "user_location": {"type": "approximate", "approximate": {"country": "CH", "city": "Zürich"}},
            "search_context_size": "low",
        }
    },
    "response_format text": {"response_format": {"type": "text"}},
    "response_format json_object": {"response_format": {"type": "json_object"}},
    "response_format json_schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"strict": True, "schema": SCHEMA, "name": "shape", "description": "A shape."},
        }
    },
    "functions": {"functions": [FUNCTION], "function_call": {"name": "look_up"}},
    "function_call auto": {"function_call": "auto", "functions": [FUNCTION]},
    "tools": {"tools": [TOOL, {"type": "function", "function": {"name": "bare"}}]},
    "tools of other kinds": {"tools": [CUSTOM_TOOL, {"type": "web_search", "filters": {"zulu": 1, "alpha": 2}}]},
    "tool_choice none": {"tools": [TOOL], "tool_choice": "none"},
    "tool_choice required": {"tool_choice": "required", "tools": [TOOL]},
    "tool_choice function": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look_up"}}},
    "tool_choice allowed_tools": {
        "tools": [TOOL],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [TOOL], "mode": "auto"}},
    },
    "tool_choice custom": {"tools": [CUSTOM_TOOL], "tool_choice": {"type": "custom", "custom": {"name": "calculate"}}},
    "null for what may be left out": {"temperature": None, "stop": None, "max_tokens": None, "user": None, "seed": None},
    "what other engines take": {
        "top_k": 40, "min_p": 0.05, "repetition_penalty": 1.1, "typical_p": 1.0, "mirostat": 2, "cache_prompt": True,
        "chat_template_kwargs": {"enable_thinking": False}, "guided_json": SCHEMA, "reasoning": {"effort": "high"},
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "provider": {"order": ["b", "a"]}, "id_slot": -1,
    },
    "what nobody knows": {
        "unheard_of": {"zulu": [1, None, True, 1.0, 1e-7, {"ü": "\U0001f600"}], "alpha": {}, "": ""},
        "x-y z": [[]],
    },
}  # fmt: skip

MESSAGES: dict[str, list[dict]] = {
    "system and developer with names": [
        {"role": "system", "content": "Be brief.", "name": "owner"},
        {"name": "dev", "role": "developer", "content": "Do."},
        USER,
    ],
    "system in parts": [
        {"role": "system", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief"}]}, USER,
    ],
    "user in parts": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b", "type": "text"}]}],
    "a picture": [
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            {"type": "image_url", "image_url": {"detail": "high", "url": "https://example.com/a.png"}},
        ]}
    ],
    "audio and a file": [
        {"role": "user", "content": [
            {"type": "input_audio", "input_audio": {"format": "wav", "data": "UklGRg=="}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
            {"type": "file", "file": {"file_id": "file-1"}},
        ]}
    ],
    "parts that nobody knows": [
        {"role": "user", "content": [
            {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}, "fps": 2.0},
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
        ]}
    ],
    "fields of messages that nobody knows": [{"zulu": {"b": 1, "a": [None]}, "role": "user", "content": "hi", "alpha": 1.0}],
    "assistant with a refusal": [USER, {"role": "assistant", "content": None, "refusal": "No."}, USER],
    "assistant in parts": [
        USER,
        {"role": "assistant", "content": [{"type": "text", "text": "Well"}, {"type": "refusal", "refusal": "no"}]},
        USER,
    ],
    "assistant that said nothing": [USER, {"role": "assistant", "content": ""}, USER],
    "assistant with audio": [USER, {"role": "assistant", "audio": {"id": "audio_1"}}, USER],
    "assistant with reasoning": [
        USER,
        {"role": "assistant", "reasoning_content": "So …", "content": "Yes.", "reasoning": "So …",
         "reasoning_details": [{"type": "reasoning.text", "text": "So …", "signature": "s=="}]},
        USER,
    ],
    "tool calls and their results": [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]},
        {"role": "tool", "content": "one", "tool_call_id": "call_1"},
        {"tool_call_id": "call_2", "role": "tool", "content": [{"type": "text", "text": "two"}]},
    ],
    "tool calls without content": [
        USER, {"tool_calls": [CALL], "role": "assistant"}, {"role": "tool", "tool_call_id": "call_1", "content": ""},
    ],
    "custom tool calls": [
        USER,
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "calculate", "input": "11"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "2"},
    ],
    "tool calls with what an engine added": [
        USER,
        {"role": "assistant", "content": "", "tool_calls": [
            {**CALL, "extra_content": {"google": {"thought_signature": "s=="}}},
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one", "name": "look_up"},
    ],
    "a function call and its result": [
        USER,
        {"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": "{}"}},
        {"role": "function", "name": "look_up", "content": "one"},
    ],
    "an assistant's beginning": [USER, {"role": "assistant", "content": "Once upon", "prefix": True}],
    "letters of many kinds": [
        {"role": "user", "content": "ü 你好 \U0001f469‍\U0001f467 \u2028\u2029\x85\x7f \\ / \" \b\f\n\r\t \x00 é"},
    ],
}  # fmt: skip

WHOLE: dict[str, bytes] = {
    "the model last": b'{"messages":[{"content":"hi","role":"user"}],"top_p":1.0,"model":"MODEL"}',
    "white space": b' { "model" :\t"MODEL" ,\r\n"messages" : [ { "role" : "user" , "content" : "hi" } ] } \n',
    "escapes": (
        rb'{"model":"MODEL","messages":[{"role":"\u0075ser","content":"\u00fc \/ \ud83d\ude00 \u2028 \"model\":\"x\""}]}'
    ),
    "numbers": (
        b'{"model":"MODEL","temperature":1.00,"messages":[{"role":"user","content":"hi"}],"numbers":'
        b"[0,-0,-0.0,1e-7,1E+3,1.0,123456789012345678901234567890,0.1234567890123456789,18446744073709551615,"
        b"-9223372036854775808]}"
    ),
    "a model deep within": (
        b'{"metadata":{"model":"inner"},"messages":[{"role":"user","content":"hi","model":"inner","stream":1}],"model":"MODEL"}'
    ),
    "deep nesting": b'{"model":"MODEL","messages":[{"role":"user","content":"hi"}],"deep":' + b"[" * 60 + b"]" * 60 + b"}",
}
