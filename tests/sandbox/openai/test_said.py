from typing import Any

from sandbox.openai.said import said


def test_items_come_in_the_order_of_the_conversation_with_the_words_that_went_out() -> None:
    heard = "conversation.item.input_audio_transcription"
    frames: list[dict[str, Any]] = [
        {"type": f"{heard}.delta", "item_id": "item_2", "delta": "Good"},
        {"type": "response.output_audio_transcript.delta", "item_id": "item_1", "delta": "Hel"},
        {"type": "response.output_audio_transcript.done", "item_id": "item_1", "transcript": "Hello"},
        {"type": "conversation.item.truncated", "item_id": "item_1"},
        {"type": f"{heard}.delta", "item_id": "item_2", "delta": "bye"},
        {
            "type": "conversation.item.retrieved",
            "item": {"id": "item_5", "role": "user", "content": [{"transcript": "Yes."}]},
        },
        {"type": f"{heard}.completed", "item_id": "item_9", "transcript": "Still there?"},
        {"event_id": "what a fault sends need not have a type"},
    ]
    assert said(["item_1", "item_5", "item_9"], frames) == [
        {"item_id": "item_1", "speaker": "assistant", "words": "Hello", "whole": True, "cut": True},
        {"item_id": "item_5", "speaker": "user", "words": "Yes.", "whole": True, "cut": False},
        {"item_id": "item_9", "speaker": "user", "words": "Still there?", "whole": True, "cut": False},
        {"item_id": "item_2", "speaker": "user", "words": "Goodbye", "whole": False, "cut": False},
    ]
