/** What checks found: what needs care first, what is fine folded away. */
import { plural } from '../text.ts';
import { Badge, Note } from '../ui/parts.tsx';
import type { Finding } from '../views/server.ts';

const LEVELS = {
  error: { tone: 'error', text: 'Error' },
  warning: { tone: 'warning', text: 'Warning' },
  ok: { tone: 'ok', text: 'Fine' },
} as const;

const FindingList = ({ findings }: { findings: readonly Finding[] }) => (
  <ul class="findings">
    {findings.map(({ level, area, subject, text }) => (
      <li>
        <div class="subject">
          <Badge tone={LEVELS[level].tone}>{LEVELS[level].text}</Badge>
          <strong class="wrap">{subject}</strong>
          <span class="quiet">{area}</span>
        </div>
        <p>{text}</p>
      </li>
    ))}
  </ul>
);

/** The findings. */
export const Findings = ({ findings }: { findings: readonly Finding[] }) => {
  const of = (level: Finding['level']) => findings.filter((each) => each.level === level);
  const [errors, warnings, fine] = [of('error'), of('warning'), of('ok')];
  return (
    <>
      {errors.length + warnings.length === 0 ? (
        <Note tone="ok">
          <p>Everything that was looked at is fine.</p>
        </Note>
      ) : (
        <FindingList findings={[...errors, ...warnings]} />
      )}
      {fine.length === 0 ? null : (
        <details>
          <summary>{plural(fine.length, 'check')} without a finding</summary>
          <FindingList findings={fine} />
        </details>
      )}
    </>
  );
};
