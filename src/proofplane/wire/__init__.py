"""The wire: frames, envelopes, messages and service contracts; pure rules over bytes."""
