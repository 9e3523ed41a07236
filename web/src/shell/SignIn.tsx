/// The sign-in form, shown when the API requires an access token.
import { Button, Group, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { errorMessage, hasStatus, signIn } from "@/api/index.ts";

export function SignIn() {
  const [token, setToken] = useState("");
  const signingIn = useMutation({
    mutationFn: () => signIn({ body: { token: token.trim() } }),
    // Reload, so that every query and the event stream start with the new session.
    onSuccess: () => location.reload(),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (token.trim()) signingIn.mutate();
  };
  const isWrongToken = hasStatus(signingIn.error, 401);
  return (
    <form onSubmit={submit}>
      <title>Sign in · imageferry</title>
      <h1>Sign in</h1>
      <p>
        Open the link that <code>imageferry serve</code> printed when it started, or paste the access token (
        <code>IMAGEFERRY_API_TOKEN</code>).
      </p>
      <Group align="flex-start" gap="xs">
        <PasswordInput
          aria-label="Access token"
          placeholder="Access token"
          name="token"
          autoComplete="current-password"
          size="md"
          w="100%"
          maw="24rem"
          value={token}
          onChange={({ currentTarget }) => setToken(currentTarget.value)}
          error={signingIn.error && (isWrongToken ? "This access token isn't valid." : errorMessage(signingIn.error))}
          visibilityToggleButtonProps={{ "aria-label": "Show access token" }}
          maxLength={1024}
          required
        />
        <Button type="submit" size="md" loading={signingIn.isPending || signingIn.isSuccess}>
          Sign in
        </Button>
      </Group>
    </form>
  );
}
