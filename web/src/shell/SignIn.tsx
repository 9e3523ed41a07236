/// Coming in, where the gateway asks for its token.
import { Button, Group, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { isRefused, sentence, signIn } from "@/api/index.ts";

export function SignIn() {
  const [token, setToken] = useState("");
  const enter = useMutation({
    mutationFn: () => signIn({ body: { token: token.trim() } }),
    // Everything is asked anew, the stream of events too.
    onSuccess: () => location.reload(),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim()) enter.mutate();
  };
  const wrong = isRefused(enter.error, 401);
  return (
    <form onSubmit={submit}>
      <title>Sign in · imageferry</title>
      <h1>Please sign in</h1>
      <p>
        Open the link that <code>imageferry serve</code> printed when it started, or give the token that it was started
        with, its <code>IMAGEFERRY_API_TOKEN</code>.
      </p>
      <Group align="flex-start" gap="xs">
        <PasswordInput
          aria-label="Token"
          placeholder="Token"
          name="token"
          autoComplete="current-password"
          size="md"
          w="100%"
          maw="24rem"
          value={token}
          onChange={({ currentTarget }) => setToken(currentTarget.value)}
          error={enter.error && (wrong ? "This is not the gateway’s token." : sentence(enter.error))}
          visibilityToggleButtonProps={{ "aria-label": "Show the token" }}
          maxLength={1024}
          required
        />
        <Button type="submit" size="md" loading={enter.isPending || enter.isSuccess}>
          Sign in
        </Button>
      </Group>
    </form>
  );
}
